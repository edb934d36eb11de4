"""The applications that people write around a booster, for gunicorn: CSV rows in, a prediction a line out. One thread for XGBoost, as
SageMaker's container sets it. MODEL is the file of the booster."""
import os

import numpy as np
import xgboost as xgb

booster = xgb.Booster(model_file=os.environ["MODEL"])
booster.set_param({"nthread": 1})


def rows(body):
    """The fastest way with NumPy alone; an empty field is missing."""
    lines = body.decode().strip().split("\n")
    return np.array([[float(v) if v else np.nan for v in line.split(",")] for line in lines], dtype=np.float32)


def text(values):
    return "\n".join(map(repr, values.astype(float).tolist())) + "\n"


if os.environ["APP"] == "flask":
    import flask

    app = flask.Flask(__name__)

    @app.get("/ping")
    def ping():
        return ""

    @app.post("/invocations")
    def invocations():  # through a DMatrix, as the container does
        return flask.Response(text(booster.predict(xgb.DMatrix(rows(flask.request.data)))), mimetype="text/csv")

else:
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/ping")
    async def ping():
        return ""

    @app.post("/invocations")
    async def invocations(request: fastapi.Request):  # without one, which is the shorter way
        return fastapi.Response(text(booster.inplace_predict(rows(await request.body()))), media_type="text/csv")
