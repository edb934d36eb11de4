#!/usr/bin/env python3
"""Writes shapes.json: what the requests and answers of the operations that awsfake knows are made of.

The names, types, limits and patterns are those of the service models that botocore carries (pip install botocore==1.44.8);
nothing of its code or of the documentation in the models is taken. Run: python3 mkshapes.py >shapes.json
With --check it compares shapes.json with the installed botocore instead, and ends with 1 if they differ.
"""
import json
import os
import sys

import botocore
import botocore.session

OPERATIONS = {
    "sagemaker": """CreateTrainingJob DescribeTrainingJob StopTrainingJob ListTrainingJobs DeleteTrainingJob
        CreateHyperParameterTuningJob DescribeHyperParameterTuningJob StopHyperParameterTuningJob ListHyperParameterTuningJobs
        DeleteHyperParameterTuningJob ListTrainingJobsForHyperParameterTuningJob
        CreateProcessingJob DescribeProcessingJob StopProcessingJob ListProcessingJobs DeleteProcessingJob
        CreateTransformJob DescribeTransformJob StopTransformJob ListTransformJobs
        CreateModel DescribeModel DeleteModel ListModels CreateEndpointConfig DescribeEndpointConfig DeleteEndpointConfig ListEndpointConfigs
        CreateEndpoint DescribeEndpoint UpdateEndpoint DeleteEndpoint ListEndpoints UpdateEndpointWeightsAndCapacities
        CreatePipeline UpdatePipeline DescribePipeline DeletePipeline ListPipelines StartPipelineExecution DescribePipelineExecution
        ListPipelineExecutions ListPipelineExecutionSteps StopPipelineExecution RetryPipelineExecution UpdatePipelineExecution
        ListPipelineParametersForExecution DescribePipelineDefinitionForExecution
        CreateModelPackageGroup DescribeModelPackageGroup DeleteModelPackageGroup ListModelPackageGroups
        CreateModelPackage DescribeModelPackage UpdateModelPackage DeleteModelPackage ListModelPackages
        AddTags ListTags DeleteTags ListNotebookInstances ListInferenceExperiments""",
    "sagemaker-runtime": "InvokeEndpoint InvokeEndpointAsync",
    "logs": """CreateLogGroup DeleteLogGroup DescribeLogGroups CreateLogStream DeleteLogStream DescribeLogStreams PutLogEvents GetLogEvents
        FilterLogEvents PutRetentionPolicy TagResource ListTagsForResource""",
    "cloudwatch": """PutMetricAlarm DescribeAlarms DeleteAlarms PutDashboard GetDashboard ListDashboards DeleteDashboards PutMetricData
        GetMetricData GetMetricStatistics ListMetrics TagResource ListTagsForResource""",
    "events": """PutRule DescribeRule ListRules DeleteRule EnableRule DisableRule PutTargets ListTargetsByRule RemoveTargets PutEvents
        TestEventPattern ListRuleNamesByTarget TagResource ListTagsForResource""",
    "scheduler": "CreateSchedule GetSchedule UpdateSchedule DeleteSchedule ListSchedules",
    "lambda": """CreateFunction GetFunction GetFunctionConfiguration UpdateFunctionCode UpdateFunctionConfiguration DeleteFunction ListFunctions
        AddPermission RemovePermission GetPolicy Invoke PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig
        DeleteFunctionEventInvokeConfig PutFunctionConcurrency TagResource ListTags""",
    "iam": """CreateRole GetRole DeleteRole ListRoles UpdateAssumeRolePolicy PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies
        AttachRolePolicy DetachRolePolicy ListAttachedRolePolicies TagRole UntagRole ListRoleTags ListInstanceProfilesForRole""",
    "sts": "GetCallerIdentity AssumeRole",
    "sqs": """CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes SendMessage ReceiveMessage DeleteMessage DeleteQueue ListQueues
        PurgeQueue TagQueue ListQueueTags""",
    "cloudformation": """CreateStack UpdateStack DeleteStack DescribeStacks DescribeStackEvents ListStackResources DescribeStackResources
        DescribeStackResource GetTemplate ValidateTemplate ListStacks CreateChangeSet DescribeChangeSet ExecuteChangeSet DeleteChangeSet""",
    "application-autoscaling": """RegisterScalableTarget DeregisterScalableTarget DescribeScalableTargets PutScalingPolicy
        DescribeScalingPolicies DeleteScalingPolicy""",
    "resourcegroupstaggingapi": "GetResources",
}


def shape(s):
    """One shape as a small object; zero values are left out."""
    out = {"t": s["type"]}
    for key in ("min", "max", "pattern", "enum", "payload", "flattened", "timestampFormat"):
        if s.get(key) is not None and s[key] is not False:
            out[key] = s[key]
    if s["type"] == "structure":
        out["members"] = {n: member(m) for n, m in s.get("members", {}).items()}
        if s.get("required"):
            out["required"] = s["required"]
    elif s["type"] == "list":
        out["of"] = member(s["member"])
    elif s["type"] == "map":
        out["key"], out["value"] = member(s["key"]), member(s["value"])
    return out


def member(m):
    out = {"s": m["shape"]}
    for key, short in (("location", "loc"), ("locationName", "name"), ("timestampFormat", "timestampFormat"), ("flattened", "flattened")):
        if m.get(key):
            out[short] = m[key]
    return out


def references(s):
    for m in [*s.get("members", {}).values(), s.get("member"), s.get("key"), s.get("value")]:
        if m:
            yield m["shape"]


def service(name, loader):
    model = loader.load_service_model(name, "service-2")
    meta, operations, wanted = model["metadata"], {}, []
    for op in OPERATIONS[name].split():
        o = model["operations"][op]
        out = {"http": o["http"]["method"] + " " + o["http"]["requestUri"]}
        if o["http"].get("responseCode", 200) != 200:
            out["status"] = o["http"]["responseCode"]
        for side in ("input", "output"):
            if side in o:
                out[side] = o[side]["shape"]
                wanted.append(o[side]["shape"])
                if o[side].get("resultWrapper"):
                    out["wrapper"] = o[side]["resultWrapper"]
        out["errors"] = {}
        for e in o.get("errors", []):
            s = model["shapes"][e["shape"]]
            out["errors"][e["shape"]] = s.get("error", {}).get("httpStatusCode", 400)
        operations[op] = out
    shapes = {}
    while wanted:
        at = wanted.pop()
        if at not in shapes:
            shapes[at] = shape(model["shapes"][at])
            wanted.extend(references(model["shapes"][at]))
    head = {"target": meta.get("targetPrefix"), "json": meta.get("jsonVersion"), "xmlns": meta.get("xmlNamespace"), "rest": meta["protocol"].startswith("rest"),
            "query": "query" in meta.get("protocols", [meta["protocol"]]), "signing": meta.get("signingName", meta["endpointPrefix"]), "version": meta["apiVersion"]}
    return {k: v for k, v in head.items() if v}, operations, shapes


def text():
    loader = botocore.session.get_session().get_component("data_loader")
    services = []
    for name in OPERATIONS:
        head, operations, shapes = service(name, loader)
        line = lambda o: json.dumps(o, separators=(",", ":"), ensure_ascii=True)
        ops = ",\n".join(f"  {json.dumps(k)}:{line(v)}" for k, v in sorted(operations.items()))
        body = ",\n".join(f"  {json.dumps(k)}:{line(v)}" for k, v in sorted(shapes.items()))
        services.append(f' {json.dumps(name)}:{{"meta":{line(head)},\n "operations":{{\n{ops}}},\n "shapes":{{\n{body}}}}}')
    return f'{{"botocore":"{botocore.__version__}","services":{{\n' + ",\n".join(services) + "}}\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "shapes.json")) as f:
            if f.read() != text():
                sys.exit("shapes.json is not what mkshapes.py makes of botocore " + botocore.__version__)
    else:
        sys.stdout.write(text())
