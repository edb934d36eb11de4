//go:build !noaws

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"threatdetect/train"
)

func (a *app) endpointCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "endpoint",
		Short: "A model of the stack behind an address of SageMaker, and how it compares with scoring here",
		Long: "Endpoint makes, changes, asks and deletes an endpoint, of instances or serverless as threatdetect.yaml says. It is not needed: the same model\n" +
			"scores where the logs are. It costs every second until it is deleted, asked or not; each command says how much in instance hours.",
	}, a.endpointCreateCommand(), a.endpointUpdateCommand(), a.endpointInvokeCommand(), a.compareCommand(), a.endpointAutoscaleCommand(), a.endpointDeleteCommand())
}

type servedFlags struct {
	awsFlags
	model, image string
	own          bool
	environment  map[string]string
}

func (f *servedFlags) add(flags *pflag.FlagSet) {
	f.awsFlags.add(flags)
	flags.StringVar(&f.model, "model", "", "s3:// address of a model.tar.gz; without one the newest approved model of the registry, which the same command after a kill keeps to")
	flags.StringVar(&f.image, "image", "", "URI of the image that serves it; without one SageMaker's built-in XGBoost, as the stack says")
	flags.BoolVar(&f.own, "own-image", false, "serve with this program's own image")
	flags.StringToStringVar(&f.environment, "env", nil, "variables of the container: NAME=VALUE,...")
}

func (f *servedFlags) served(ctx context.Context, stack *train.Stack, aws *train.AWS) (*train.Served, error) {
	m := &train.Served{Artifact: f.model, Image: f.image, Environment: f.environment, Beside: f.config}
	if f.own {
		if f.image != "" {
			return nil, usagef("--image and --own-image: want one of them")
		}
		account, err := aws.Account(ctx)
		if err != nil {
			return nil, awsEnd(err)
		}
		m.Image = stack.OwnImage(account)
		if m.Environment == nil {
			m.Environment = map[string]string{}
		}
		if _, ok := m.Environment["THREATDETECT_SAGEMAKER"]; !ok {
			m.Environment["THREATDETECT_SAGEMAKER"] = stack.Image.Version
		}
	}
	return m, nil
}

func (a *app) endpointCreateCommand() *cobra.Command {
	return a.servedCommand("create", "Make the endpoint and wait until it answers",
		"Create makes model, configuration and endpoint, and waits. Said again, it goes on waiting for what it made.", "Make an endpoint?",
		(*train.AWS).CreateEndpoint)
}

func (a *app) endpointUpdateCommand() *cobra.Command {
	return a.servedCommand("update", "Let the endpoint serve another model, or in another way, without a gap",
		"Update makes a new model and configuration, lets the endpoint change over, waits, and deletes the old ones. SageMaker keeps the old ones\n"+
			"serving if the new model does not answer; that is an error then.", "Change the endpoint?",
		(*train.AWS).UpdateEndpoint)
}

func (a *app) servedCommand(name, short, long, question string, do func(*train.AWS, context.Context, *train.Served, func(string)) (*train.EndpointState, error)) *cobra.Command {
	var f servedFlags
	cmd := &cobra.Command{Use: name + " [flags]", Short: short, Long: long, Args: cobra.NoArgs,
		Example: "  threatdetect endpoint " + name + " --yes\n  threatdetect endpoint " + name + " --model s3://bucket/models/job/output/model.tar.gz",
		RunE: a.withAWS(&f.awsFlags, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			served, err := f.served(ctx, stack, aws)
			if err != nil {
				return err
			}
			a.printf("note: %s\n", stack.CostOf())
			if err := a.agree(&f.awsFlags, question); err != nil {
				return err
			}
			state, err := do(aws, ctx, served, a.onChange("endpoint "+stack.Resource(train.KindEndpoint)))
			if err != nil {
				return awsEnd(err)
			}
			done := map[bool]string{true: "serves " + state.Config, false: "is as it was: it serves " + state.Config}[state.Changed]
			a.told(&f.awsFlags, "endpoint %s: %s: %s\n", state.Name, state.Status, done)
			return nil
		})}
	f.add(cmd.Flags())
	return cmd
}

func (a *app) endpointInvokeCommand() *cobra.Command {
	var f awsFlags
	var contentType, accept string
	cmd := &cobra.Command{
		Use:     "invoke [flags] [FILE]",
		Short:   "Send a file to the endpoint, and print its answer",
		Long:    "Invoke sends a file, or standard input, as it is, and prints the answer as it is.",
		Example: "  threatdetect endpoint invoke rows.csv\n  echo 1,2,3 | threatdetect endpoint invoke --accept application/json",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, args []string) error {
			name := "-"
			if len(args) == 1 {
				name = args[0]
			}
			body, err := a.readBody(name)
			if err != nil {
				return err
			}
			answer, err := aws.Invoke(ctx, body, contentType, accept)
			if err != nil {
				return awsEnd(err)
			}
			if f.dryRun {
				return nil
			}
			_, err = a.stdout.Write(answer.Body)
			return err
		}),
	}
	flags := cmd.Flags()
	f.add(flags)
	flags.StringVar(&contentType, "content-type", "text/csv", "of what is sent: text/csv, text/libsvm, application/x-recordio-protobuf")
	flags.StringVar(&accept, "accept", "text/csv", "of the answer: text/csv or application/json")
	return cmd
}

// maxBody is more than any endpoint takes.
const maxBody = 32 << 20

func (a *app) readBody(name string) ([]byte, error) {
	in, err := a.open(name, nil, nil)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, maxBody))
	if err != nil {
		return nil, inputError(name, err)
	}
	if len(body) == 0 {
		return nil, misfit(name, "there is nothing in it")
	}
	return body, nil
}

func (a *app) endpointAutoscaleCommand() *cobra.Command {
	var f awsFlags
	cmd := &cobra.Command{
		Use:   "autoscale [flags]",
		Short: "Let the endpoint have as many instances as its load wants, within the bounds of threatdetect.yaml",
		Long:  "Autoscale registers endpoint.autoscale with Application Auto Scaling; where its max is 0, it removes the scaling.",
		Args:  cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			bounds := stack.Endpoint.Autoscale
			if bounds.Max > 0 {
				a.printf("note: %s\n", stack.CostOf())
				if err := a.agree(&f, fmt.Sprintf("Let the endpoint have up to %d instances?", bounds.Max)); err != nil {
					return err
				}
			}
			if err := aws.Autoscale(ctx); err != nil {
				return awsEnd(err)
			}
			if bounds.Max == 0 {
				a.told(&f, "endpoint %s: no scaling, as endpoint.autoscale.max is 0\n", stack.Resource(train.KindEndpoint))
				return nil
			}
			a.told(&f, "endpoint %s: %d to %d instances, one for %v invocations a minute\n", stack.Resource(train.KindEndpoint), bounds.Min, bounds.Max, bounds.Target)
			return nil
		}),
	}
	f.add(cmd.Flags())
	return cmd
}

func (a *app) endpointDeleteCommand() *cobra.Command {
	var f awsFlags
	cmd := &cobra.Command{
		Use:   "delete [flags]",
		Short: "Delete the endpoint, its scaling, configurations and models, and wait until it is gone",
		Args:  cobra.NoArgs,
		RunE: a.withAWS(&f, func(ctx context.Context, aws *train.AWS, _ []string) error {
			stack := aws.Stack()
			name := stack.Resource(train.KindEndpoint)
			if err := a.agree(&f, fmt.Sprintf("Delete endpoint %s?", name)); err != nil {
				return err
			}
			removed, err := aws.DeleteEndpoint(ctx, a.onChange("endpoint "+name))
			if len(removed) > 0 {
				a.told(&f, "deleted: %s\n", strings.Join(removed, ", "))
			} else if err == nil {
				a.told(&f, "endpoint %s: there is none\n", name)
			}
			return awsEnd(err)
		}),
	}
	f.add(cmd.Flags())
	return cmd
}
