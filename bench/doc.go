// Command bench measures the predictor beside other engines: XGBoost itself, oneDAL, lignum, ONNX Runtime, Treelite, timber, leaves,
// and lleaves, CatBoost and YDF with models of their own. README.md says how.
package main
