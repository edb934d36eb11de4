"""Metrics that XGBoost does not have, and the container adds. Runs in front of local.py, in one program."""
import numpy as np

def confusion(labels, predicted):
    classes = np.unique(np.concatenate([labels, predicted]))
    both = [(np.sum((labels == c) & (predicted == c)), np.sum(predicted == c), np.sum(labels == c)) for c in classes]
    return classes, np.array(both, dtype=float).T


def ratio(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def binary(of):
    def metric(labels, predicted):
        classes, counts = confusion(labels, predicted)
        if len(classes) > 2:
            raise ValueError("Target is multiclass but average='binary'. Please choose another average setting.")
        at = np.flatnonzero(classes == 1)
        return of(*counts)[at[0]] if len(at) else 0.0
    return metric


def macro(of):
    return lambda labels, predicted: np.mean(of(*confusion(labels, predicted)[1]))


def precision(hits, predicted, labels):
    return ratio(hits, predicted)


def recall(hits, predicted, labels):
    return ratio(hits, labels)


def f1(hits, predicted, labels):
    return ratio(2 * hits, predicted + labels)


def accuracy(labels, predicted):
    return np.mean(labels == predicted)


def balanced(labels, predicted):
    hits, _, there = confusion(labels, predicted)[1]
    return np.mean(hits[there > 0] / there[there > 0])


def r2(labels, predicted):
    rest, all_ = np.sum((labels - predicted) ** 2), np.sum((labels - np.mean(labels)) ** 2)
    return 1 - rest / all_ if all_ else float(rest == 0)


OF_CLASSES = {"accuracy": accuracy, "balanced_accuracy": balanced, "f1": macro(f1), "f1_macro": macro(f1), "f1_binary": binary(f1), "precision": binary(precision),
              "precision_macro": macro(precision), "precision_micro": accuracy, "recall": binary(recall), "recall_macro": macro(recall), "recall_micro": accuracy}
OF_VALUES = {"mse": lambda labels, predicted: np.mean((labels - predicted) ** 2), "r2": r2}


def evaluator(names, version):
    """One function for all added metrics, None if there are none. Images from 1.2-1 on take what they are given for margins, older ones for probabilities."""
    if not names:
        return None

    def evaluate(predicted, data):
        labels = data.get_label().astype(float)
        classes = predicted
        if predicted.ndim > 1:
            classes = np.argmax(predicted, axis=-1)
        elif version < [1, 2]:
            classes = np.round(predicted)
        else:
            classes = (predicted > 0).astype(float)
        return [(name, float(OF_CLASSES[name](labels, classes) if name in OF_CLASSES else OF_VALUES[name](labels, predicted))) for name in names]
    return evaluate
