package pickle

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused decodes a pickle that must not be decoded.
func refused(t testing.TB, file string) error {
	t.Helper()
	v, n, err := Decode([]byte(file))
	require.Error(t, err, "%q", file)
	require.Nil(t, v)
	require.Zero(t, n)
	var e *Error
	require.True(t, errors.As(err, &e))
	require.LessOrEqual(t, e.Offset, int64(len(file)))
	require.Less(t, len(err.Error()), 400)
	return err
}

// Every way in which a pickle can bring a name, with names that run, read or fetch something, and those that scanners overlooked.
func TestForbiddenNames(t *testing.T) {
	for _, name := range []string{
		"os system", "posix system", "nt system", "subprocess Popen", "subprocess check_output", "builtins eval", "builtins exec", "builtins getattr",
		"builtins __import__", "builtins open", "builtins compile", "builtins globals", "builtins setattr", "builtins print", "builtins map",
		"__builtin__ eval", "__builtin__ apply", "builtins dict", "builtins list", "builtins set", "builtins tuple", "builtins bytes", "builtins type",
		"operator attrgetter", "operator methodcaller", "functools partial", "functools reduce", "importlib import_module", "runpy run_path", "pty spawn",
		"socket create_connection", "urllib.request urlopen", "webbrowser open", "shutil rmtree", "pip main", "pip._internal main", "cProfile run",
		"pdb run", "timeit timeit", "code interact", "codeop compile_command", "ctypes CDLL", "pickle loads", "_pickle loads", "marshal loads", "types CodeType",
		"types FunctionType", "asyncio run", "multiprocessing.util spawnv_passfds", "logging.config dictConfig", "sys exit", "sys modules", "signal raise_signal",
		"numpy.f2py.crackfortran myeval", "numpy.testing._private.utils runstring", "torch load", "torch.storage _load_from_bytes",
		"joblib.numpy_pickle NumpyArrayWrapper", "sklearn.pipeline Pipeline", "copyreg __newobj__", "copyreg add_extension", "copy_reg _extension_registry",
		"numpy.core.multiarray fromfile", "numpy load", "numpy ndarray.tofile", "numpy memmap", "numpy.random._pickle __randomstate_ctor",
		"collections Counter", "collections defaultdict", "_codecs decode", "_codecs lookup", "codecs encode",
		"xgboost.core Booster.load_model", "xgboost.core DMatrix", "xgboost.core _load_lib", "xgboost Booster", "xgboost.core booster", "XGBoost.core Booster",
		"xgboost.sklearn XGBModel.load_model", "xgboost.sklearn os", "xgboost.core.os system", "xgboost.core Booster ", " xgboost.core Booster", "xgboost.core\r Booster",
		"xgboost.core\x00 Booster", "xgboost.core os.system", "builtins object.__class__", " ", "a ", " a",
	} {
		module, attribute, _ := strings.Cut(name, " ")
		if strings.HasPrefix(name, " xgboost") {
			module, attribute = " xgboost.core", "Booster"
		}
		for form, file := range map[string]string{
			"GLOBAL": "c" + module + "\n" + attribute + "\n(S'id'\ntR.",
			"STACK_GLOBAL": "X" + string(rune(len(module))) + zeros(3) + module + "X" + string(rune(len(attribute))) + zeros(3) + attribute +
				"\x93(" + short("id") + "tR.",
			"inside":     "}" + short("a") + "c" + module + "\n" + attribute + "\ns.",
			"dropped":    "c" + module + "\n" + attribute + "\n0N.",
			"remembered": "c" + module + "\n" + attribute + "\np0\n0g0\n(S'id'\ntR.",
		} {
			var e *GlobalError
			err := refused(t, file)
			require.True(t, errors.As(err, &e), "%s %q: %v", form, name, err)
			require.Equal(t, GlobalError{Module: module, Name: attribute}, *e)
			require.Contains(t, err.Error(), "nothing was run")
		}
	}
	require.ErrorContains(t, refused(t, "cos\nsystem\n(S'id'\ntR."), `byte 0: GLOBAL: the name "system" of module "os"`)
	require.ErrorContains(t, refused(t, short("builtins")+short("eval")+"\x93."), `byte 16: STACK_GLOBAL: the name "eval" of module "builtins"`)
	require.ErrorContains(t, refused(t, "c"+strings.Repeat("m", 1<<16)+"\n\n."), "…")
}

func TestForbiddenOpcodes(t *testing.T) {
	for file, name := range map[string]string{
		"(S'id'\nios\nsystem\n.":            "INST",
		"(cxgboost.core\nBooster\no.":       "OBJ",
		"P1\n.":                             "PERSID",
		"NQ.":                               "BINPERSID",
		"\x82\x01.":                         "EXT1",
		"\x83\x01\x00.":                     "EXT2",
		"\x84\x01\x00\x00\x00.":             "EXT4",
		"\x97.":                             "NEXT_BUFFER",
		"C\x00\x98.":                        "READONLY_BUFFER",
		"]ios\nsystem\n.":                   "INST",
		"(ixgboost.core\nBooster\n}b.":      "INST",
		"\x80\x04\x95\x01" + zeros(7) + "P": "PERSID",
	} {
		var e *OpcodeError
		err := refused(t, file)
		require.True(t, errors.As(err, &e), "%q: %v", file, err)
		require.True(t, e.Known)
		require.ErrorContains(t, err, name+": ")
	}
	// What Python does not know either.
	names := 0
	for op := range 256 {
		if opNames[op] != "" {
			names++
			continue
		}
		var e *OpcodeError
		err := refused(t, "N"+string([]byte{byte(op)})+".")
		require.True(t, errors.As(err, &e), "0x%x: %v", op, err)
		require.Equal(t, OpcodeError{Code: byte(op)}, *e)
		require.ErrorContains(t, err, "unknown opcode 0x")
	}
	require.Equal(t, 68, names)
}

// Names of the list mean one thing each; whatever else is done with them fails.
func TestMisusedNames(t *testing.T) {
	const (
		booster = "cxgboost.core\nBooster\n"
		dtype   = "cnumpy\ndtype\n(\x8c\x02u1\x89\x88tR"
		built   = dtype + "(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
		array   = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
		rebuild = "ccopyreg\n_reconstructor\n"
		object  = "cbuiltins\nobject\n"
		bytes   = "cbuiltins\nbytearray\n"
		encode  = "c_codecs\nencode\n"
	)
	for file, part := range map[string]string{
		booster + ")R.":                                "not to be called",
		object + ")R.":                                 "not to be called",
		"cnumpy\nndarray\n)R.":                         "not to be called",
		"cxgboost.sklearn\nXGBModel\n)R.":              "not to be called",
		object + ")\x81.":                              "not a class",
		bytes + ")\x81.":                               "not a class",
		"cnumpy\nndarray\n)\x81.":                      "not a class",
		"N)\x81.":                                      "not a name",
		booster + "N\x81.":                             "not a tuple",
		booster + ")(NNd\x92.":                         "by name",
		booster + ")N\x92.":                            "by name",
		booster + "NN\x92.":                            "not a tuple",
		"N)R.":                                         "not a name",
		booster + ")\x81)R.":                           "not a name",
		bytes + "NR.":                                  "not a tuple",
		bytes + "N\x85R.":                              "other things than bytes",
		bytes + "K\x05\x85R.":                          "other things than bytes",
		bytes + bytes + "\x85R.":                       "other things than bytes",
		bytes + "NNN\x87R.":                            "other things than bytes",
		bytes + "Va\nVutf-8\n\x86R.":                   "Latin-1",
		encode + "Va\nVrot13\n\x86R.":                  "Latin-1",
		encode + "Va\nVzip\n\x86R.":                    "Latin-1",
		encode + "Va\n\x85R.":                          "Latin-1",
		encode + "C\x01aVlatin1\n\x86R.":               "Latin-1",
		encode + "V\\u0100\nVlatin1\n\x86R.":           "beyond Latin-1",
		rebuild + booster + object + "\x86R.":          "rebuilt",
		rebuild + booster + booster + "N\x87R.":        "rebuilt",
		rebuild + booster + object + "]\x87R.":         "rebuilt",
		rebuild + object + object + "N\x87R.":          "not a class",
		rebuild + "Vos\n" + object + "N\x87R.":         "not a name",
		"ccollections\nOrderedDict\nN\x85R.":           "list",
		"ccollections\nOrderedDict\n]]\x86R.":          "list",
		"ccollections\nOrderedDict\n]Na\x85R.":         "pairs",
		"ccollections\nOrderedDict\n])a\x85R.":         "pairs",
		booster + ")\x81Nb.":                           "not a dictionary",
		booster + ")\x81]b.":                           "not a dictionary",
		booster + ")\x81NNN\x87b.":                     "not a dictionary",
		booster + ")\x81N]\x86b.":                      "not a dictionary",
		booster + ")\x81}b}b.":                         "twice",
		booster + "}b.":                                "no state",
		"]}b.":                                         "no state",
		"}}b.":                                         "no state",
		"N}b.":                                         "no state",
		"VB\nVa\nN\x93.":                               "not text",
		"NVa\n\x93.":                                   "not text",
		dtype + "Nb.":                                  "at least five",
		dtype + "(K\x03NNNNtb.":                        "order of bytes",
		built + "(K\x03\x8c\x01|NNNtb.":                "twice",
		"cnumpy\ndtype\n)R.":                           "name",
		"cnumpy\ndtype\nN\x85R.":                       "name",
		"cnumpy\ndtype\nV\n\x85R.":                     "name",
		array + "Nb.":                                  "tuple of five",
		array + "(NNNNtb.":                             "none of NumPy's",
		array + "(K\x01N" + built + "\x89C\x00tb.":     "shape",
		array + "(K\x01N\x85" + built + "\x89C\x00tb.": "length of an array",
		array + "(K\x01J\xff\xff\xff\xff\x85" + built + "\x89C\x00tb.":                              "length of an array",
		array + "(K\x01\x8a\x08" + zeros(7) + "\x7f\x85" + built + "\x89C\x00tb.":                   "as many bytes",
		array + "(K\x01K\x02\x85" + built + "\x89C\x01atb.":                                         "as many bytes",
		array + "(K\x01K\x01\x85" + built + "\x89C\x02aatb.":                                        "as many bytes",
		array + "(K\x01K\x01\x85" + built + "\x89Ntb.":                                              "not bytes",
		array + "(K\x01K\x01\x85" + built + "\x89C\x01atb(K\x01K\x01\x85" + built + "\x89C\x01atb.": "twice",
		array + "(K\x01K\x01\x85cnumpy\ndtype\n\x8c\x02O8\x85R\x89]tb.":                             "Python values",
		"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nNNtR.":                               "another class",
		"cnumpy.core.multiarray\n_reconstruct\n)R.":                                                 "another class",
		"cnumpy.core.multiarray\nscalar\n)R.":                                                       "type and data",
		"cnumpy.core.multiarray\nscalar\nNN\x86R.":                                                  "none of NumPy's",
		"cnumpy.core.multiarray\nscalar\n" + built + "C\x02aa\x86R.":                                "as many bytes",
		"cnumpy.core.multiarray\nscalar\n" + built + "N\x86R.":                                      "not bytes",
		"cnumpy.core.numeric\n_frombuffer\n)R.":                                                     "data, type, shape",
	} {
		require.ErrorContains(t, refused(t, file), part, "%q", file)
	}
}

// Broken in form.
func TestBroken(t *testing.T) {
	for file, part := range map[string]string{
		"":                           "unexpected end",
		"N":                          "unexpected end",
		".":                          "stack is empty",
		"NN.":                        "more than one value",
		"(N.":                        "more than one value",
		"0.":                         "stack is empty",
		"2.":                         "stack is empty",
		"(2.":                        "stack is empty",
		"N(0" + "0N0.":               "stack is empty",
		"1.":                         "no mark",
		"t.":                         "no mark",
		"e.":                         "no mark",
		"N(\x85.":                    "stack is empty", // not from below a mark
		"N(R.":                       "stack is empty",
		"N(p0\n.":                    "stack is empty",
		"Na.":                        "stack is empty",
		"NNa.":                       "no list",
		"N(Ne.":                      "no list",
		"(Ne.":                       "stack is empty",
		"}NNNs.":                     "no dictionary",
		"NNNs.":                      "no dictionary",
		"}Ns.":                       "stack is empty",
		"}(Nu.":                      "no value",
		"(NNNd.":                     "no value",
		"(Nu.":                       "stack is empty",
		"N(N\x90.":                   "no set",
		"](N\x90.":                   "no set",
		"(N\x90.":                    "stack is empty",
		"\x90.":                      "no mark",
		"\x91.":                      "no mark",
		"g0\n.":                      "never put",
		"h\x00.":                     "never put",
		"j\x00\x00\x00\x00.":         "never put",
		"Nq\x02h\x01.":               "never put",
		"Ng-1\n.":                    "number of the memo",
		"Np\n.":                      "number of the memo",
		"Np1x\n.":                    "number of the memo",
		"Nq\xff.":                    "ahead of the opcodes",
		"Nr\xff\xff\x00\x00.":        "ahead of the opcodes",
		"Nr\xff\xff\xff\xff.":        "over the limit",
		"Np4294967296\n.":            "number of the memo",
		"p0\n.":                      "stack is empty",
		"\x94.":                      "stack is empty",
		"\x80\x06N.":                 "protocol",
		"\x80":                       "unexpected end",
		"\x95\x00\x00N.":             "unexpected end",
		"\x95\x05" + zeros(7) + "N.": "length 5 does not fit",
		"\x95" + strings.Repeat("\xff", 8) + "N.": "does not fit",
		"I\n.":                                  "integer",
		"I0x1\n.":                               "integer",
		"I1_0\n.":                               "integer",
		"I 1\n.":                                "integer",
		"L1LL\n.":                               "integer",
		"LL\n.":                                 "integer",
		"L-L\n.":                                "integer",
		"I" + strings.Repeat("1", 5000) + "\n.": "integer",
		"I1.":                                   "unexpected end",
		"F\n.":                                  "number",
		"F0x1p4\n.":                             "number",
		"F1_0\n.":                               "number",
		"F" + strings.Repeat("1", 5000) + "\n.": "number",
		"G\x00.":                                "unexpected end",
		"\x8a\x05\x00.":                         "does not fit",
		"\x8b\x01\x20\x00\x00" + zeros(0x2001) + ".": "integer of 8193 bytes",
		"\x8c\x05ab.":                    "does not fit",
		"\x8c\x01\xff.":                  "UTF-8",
		"X\x03\x00\x00\x00\xed\xa0\x80.": "UTF-8",
		"V\\u12\n.":                      "cut short",
		"V\\u12zz\n.":                    "bad escape",
		"V\\U00110000\n.":                "bad escape",
		"V\\ud800\n.":                    "surrogate",
		"V\\ud800\\u0041\n.":             "surrogate",
		"V\\ud800\\u00\n.":               "surrogate",
		"V\\udc00\n.":                    "surrogate",
		"Sabc\n.":                        "quotes",
		"S'\n.":                          "quotes",
		"S'a\"\n.":                       "quotes",
		"S'\\'\n.":                       "bad escape",
		"S'\\x4'\n.":                     "bad escape",
		"S'\\q'\n.":                      "bad escape",
		"cos":                            "unexpected end",
		"cos\nsystem":                    "unexpected end",
	} {
		require.ErrorContains(t, refused(t, file), part, "%q", file)
	}
}
