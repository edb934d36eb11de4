package pickle

// Global is a name of a Python module that pickled models need. Pointers to it are equal if and only if their names are.
type Global struct {
	Module, Name string
	Role         Role
	call         func(m *machine, args []Value) (Value, error) // what REDUCE does; nil if it cannot be called
}

func (g *Global) String() string { return g.Module + "." + g.Name }

// Role tells what a name stands for.
type Role uint8

const (
	RoleHelper  Role = iota // a function or a type of Python or NumPy
	RoleBooster             // XGBoost's Booster
	RoleWrapper             // one of XGBoost's estimators for scikit-learn
	RoleEncoder             // the label encoder inside an estimator
)

// isClass tells whether instances of g are kept as objects.
func (g *Global) isClass() bool { return g.Role != RoleHelper }

// placeholder is the base class of everything, which only helpers mention.
func (g *Global) placeholder() bool { return g.Name == "object" }

// allowed is the whole list of names: what is not here is refused. It is filled once and never changed.
var allowed = makeAllowed()

type globalKey struct{ module, name string }

func makeAllowed() map[globalKey]*Global {
	list := map[globalKey]*Global{}
	add := func(role Role, call func(*machine, []Value) (Value, error), name string, modules ...string) {
		for _, module := range modules {
			list[globalKey{module, name}] = &Global{Module: module, Name: name, Role: role, call: call}
		}
	}
	add(RoleBooster, nil, "Booster", "xgboost.core")
	for _, name := range []string{"XGBModel", "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"} {
		add(RoleWrapper, nil, name, "xgboost.sklearn")
	}
	add(RoleEncoder, nil, "XGBoostLabelEncoder", "xgboost.compat", "xgboost.sklearn")
	add(RoleEncoder, nil, "LabelEncoder", "sklearn.preprocessing.label", "sklearn.preprocessing._label")

	add(RoleHelper, callByteArray, "bytearray", "builtins", "__builtin__")
	add(RoleHelper, callEncode, "encode", "_codecs")
	add(RoleHelper, callReconstructor, "_reconstructor", "copyreg", "copy_reg")
	add(RoleHelper, nil, "object", "builtins", "__builtin__")
	add(RoleHelper, callOrderedDict, "OrderedDict", "collections")

	add(RoleHelper, callArray, "_reconstruct", "numpy.core.multiarray", "numpy._core.multiarray")
	add(RoleHelper, callScalar, "scalar", "numpy.core.multiarray", "numpy._core.multiarray")
	add(RoleHelper, callFromBuffer, "_frombuffer", "numpy.core.numeric", "numpy._core.numeric")
	add(RoleHelper, nil, "ndarray", "numpy")
	add(RoleHelper, callType, "dtype", "numpy")
	return list
}

// global looks a name up.
func global(module, name string) (*Global, error) {
	g, ok := allowed[globalKey{module, name}]
	if !ok {
		return nil, &GlobalError{Module: module, Name: name}
	}
	return g, nil
}
