"""The engines of worker.py. Each imports its package itself: every engine has an environment of its own."""
import json
import os
import subprocess
import time

import numpy as np


class lignum:
    def __init__(self, task):
        import importlib.metadata
        import lignum

        self.version = importlib.metadata.version("pylignum")
        self.model = lignum.load(task.file("model.ubj"))
        self.x = task.rows.astype(np.float64)

    def call(self, begin, end):
        x, predict = self.x[begin:end], self.model.predict
        return lambda: predict(x, raw_score=True, n_jobs=1)

    def outputs(self, result):
        return result


class lignum_compiled(lignum):
    @staticmethod
    def prepare(task):
        import lignum

        lignum.load(task.file("model.ubj")).compile(library=task.file("lignum-compiled.so"), work_dir=task.file("lignum-work"), jobs=1)

    def __init__(self, task):
        super().__init__(task)
        self.model.load_compiled(task.file("lignum-compiled.so"))


class onedal:
    """Of a classifier of two classes oneDAL gives probabilities only, so the model is declared a regression, which gives margins."""

    def __init__(self, task):
        import daal4py
        import xgboost
        from daal4py.mb import convert_model
        import importlib.metadata

        daal4py.daalinit(1)
        self.version = importlib.metadata.version("scikit-learn-intelex")
        with open(task.file("model.json")) as f:
            document = json.load(f)
        if task.outputs == 1:
            learner = document["learner"]
            learner["objective"] = {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}}
            assert float(learner["learner_model_param"]["base_score"]) == 0.5
            learner["learner_model_param"]["base_score"] = "0"
        booster = xgboost.Booster()
        booster.load_model(bytearray(json.dumps(document).encode()))
        self.model = convert_model(booster).daal_model_
        self.single, self.classes, self.x = task.outputs == 1, task.outputs, task.rows
        self.algorithms = {}  # by number of rows, since each keeps the memory of its result

    def algorithm(self, rows):
        import daal4py

        if rows not in self.algorithms:
            if self.single:
                self.algorithms[rows] = daal4py.gbt_regression_prediction(fptype="float")
            else:
                self.algorithms[rows] = daal4py.gbt_classification_prediction(
                    nClasses=self.classes, fptype="float", resultsToEvaluate="computeClassProbabilities")
        return self.algorithms[rows]

    def call(self, begin, end):
        x, compute, model = self.x[begin:end], self.algorithm(end - begin).compute, self.model
        return lambda: compute(x, model)

    def outputs(self, result):
        return result.prediction if self.single else result.probabilities


class gtil:
    def __init__(self, task):
        import treelite

        self.version = treelite.__version__
        self.model = treelite.frontend.load_xgboost_model(task.file("model.json"))
        self.predict, self.x = treelite.gtil.predict, task.rows

    def call(self, begin, end):
        x, predict, model = self.x[begin:end], self.predict, self.model
        return lambda: predict(model, x, nthread=1, pred_margin=True)

    def outputs(self, result):
        return result


class tl2cgen:
    @staticmethod
    def prepare(task):
        import tl2cgen
        import treelite

        model = treelite.frontend.load_xgboost_model(task.file("model.json"))
        tl2cgen.export_lib(model, toolchain="gcc", libpath=task.file("tl2cgen.so"), params={"parallel_comp": min(32, task.rounds)},
                           nthread=1, options=["-O3"])


class timber:
    @staticmethod
    def prepare(task):
        out = task.file("timber")
        timber = os.path.join(os.path.dirname(os.sys.executable), "timber")
        # The default optimiser changes the numbers.
        subprocess.run([timber, "compile", "--model", task.file("model.json"), "--format", "xgboost", "--out", out, "--no-optimize"],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["gcc", "-O3", "-march=native", "-fPIC", "-shared", "-o", task.file("timber.so"), os.path.join(out, "model.c"), "-lm"],
                       check=True)


class onnx:
    @staticmethod
    def prepare(task):
        import onnx as package
        import onnxmltools
        import xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        booster = xgboost.Booster(model_file=task.file("model.json"))
        booster.feature_names = None
        model = onnxmltools.convert_xgboost(booster, initial_types=[("input", FloatTensorType([None, task.columns]))])
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "post_transform":
                    attribute.s = b"NONE"  # margins
        package.save(model, task.file("onnx.onnx"))

    def __init__(self, task):
        import onnxruntime as ort

        ort.set_default_logger_severity(3)
        self.version, self.ort = ort.__version__, ort
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(task.file("onnx.onnx"), options, providers=["CPUExecutionProvider"])
        self.output = self.session.get_outputs()[-1].name
        self.x, self.groups = task.rows, task.outputs

    def call(self, begin, end):
        binding = self.session.io_binding()
        binding.bind_ortvalue_input(self.session.get_inputs()[0].name, self.ort.OrtValue.ortvalue_from_numpy(self.x[begin:end]))
        binding.bind_output(self.output)
        run = self.session.run_with_iobinding

        def predict():
            run(binding)
            return binding

        return predict

    def outputs(self, result):
        scores = result.copy_outputs_to_cpu()[0]
        return scores[:, -self.groups:]


class lleaves:
    """A model by LightGBM, compiled by LLVM to machine code that native.c calls."""

    @staticmethod
    def prepare(task):
        import lightgbm
        import lleaves

        x, y = task.training()
        params = {"objective": "binary" if task.outputs == 1 else "multiclass", "max_depth": task.depth, "num_leaves": 2**task.depth,
                  "learning_rate": 0.1, "num_threads": 1, "seed": 1, "verbosity": -1}
        if task.outputs > 1:
            params["num_class"] = task.outputs
        model = lightgbm.train(params, lightgbm.Dataset(x, y), task.rounds)
        model.save_model(task.file("lightgbm.txt"))
        model.predict(task.rows, raw_score=True, num_threads=1).astype("<f4").tofile(task.file("lleaves.want"))
        compiled = lleaves.Model(model_file=task.file("lightgbm.txt"))
        compiled.compile(cache=task.file("lleaves.o"), raw_score=True)
        subprocess.run(["gcc", "-shared", "-o", task.file("lleaves.so"), task.file("lleaves.o"), "-lm"], check=True)


class catboost:
    @staticmethod
    def prepare(task):
        import catboost

        x, y = task.training()
        model = catboost.CatBoostClassifier(
            loss_function="Logloss" if task.outputs == 1 else "MultiClass", depth=task.depth, iterations=task.rounds, learning_rate=0.1,
            thread_count=1, random_seed=1, verbose=False, allow_writing_files=False)
        model.fit(x, y)
        model.save_model(task.file("catboost.cbm"))

    def __init__(self, task):
        import catboost

        self.version, self.pool = catboost.__version__, catboost.Pool
        self.model = catboost.CatBoostClassifier().load_model(task.file("catboost.cbm"))
        self.x = task.rows

    def call(self, begin, end):
        pool, predict = self.pool(self.x[begin:end]), self.model.predict
        return lambda: predict(pool, prediction_type="RawFormulaVal", thread_count=1)

    def outputs(self, result):
        return result


class ydf:
    @staticmethod
    def data(x, y=None):
        columns = {"c%d" % j: np.ascontiguousarray(x[:, j]) for j in range(x.shape[1])}
        if y is not None:
            columns["label"] = y
        return columns

    @staticmethod
    def prepare(task):
        import ydf as package

        x, y = task.training()
        learner = package.GradientBoostedTreesLearner(
            label="label", num_trees=task.rounds, max_depth=task.depth + 1, shrinkage=0.1, num_threads=1, validation_ratio=0.0,
            early_stopping="NONE", discretize_numerical_columns=True)
        learner.train(ydf.data(x, y), verbose=0).save(task.file("ydf"))

    def __init__(self, task):
        import ydf as package

        self.version = package.__version__
        self.model = package.load_model(task.file("ydf"))
        self.data = ydf.data(task.rows, np.zeros(len(task.rows), np.int32))
        self.x = task.rows

    def call(self, begin, end):
        data, predict = ydf.data(self.x[begin:end]), self.model.predict
        return lambda: predict(data)

    def outputs(self, result):
        return result

    def time(self, batch, seconds):
        """By its own benchmark, which leaves out that rows become YDF's data sets, and goes through all of them ten times or more. It
        tells wall time, so that is multiplied with the share of the processor that this process had."""
        if batch > 10_000:
            return 0  # takes very long, and is no faster
        rows = max(batch, 256)
        data = {name: column[:rows] for name, column in self.data.items()}
        wall, cpu = time.perf_counter(), time.process_time()
        result = self.model.benchmark(data, benchmark_duration=seconds, warmup_duration=0.001, batch_size=batch, num_threads=1)
        share = min((time.process_time() - cpu) / (time.perf_counter() - wall), 1)
        return result.duration_per_example * 1e9 * share
