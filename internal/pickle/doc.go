// Package pickle decodes Python pickles into inert values.
//
// Python's own reader is an interpreter that imports and calls whatever a pickle names. This one is a calculator: it knows the opcodes
// that a pickled XGBoost model needs and refuses the others, it knows a short list of names, each with a fixed meaning of its own, and refuses every other
// name, and what it builds is data. Nothing in this package, nor in what it imports, can start a process, open a file or a connection, or look up code by
// its name; a test holds the imports to that.
//
//	opcode                       becomes
//	NONE, NEWTRUE, BININT, …     None, Bool, Int, BigInt, Float
//	BINUNICODE, STRING, …        String, or Bytes for a Python 2 string that is not ASCII
//	BINBYTES, BYTEARRAY8         Bytes, which share the memory of the input
//	TUPLE, LIST, DICT            *Tuple, *List, *Dict
//	GLOBAL, STACK_GLOBAL         *Global, an entry of the allow list (global.go)
//	NEWOBJ, REDUCE, BUILD        *Object, or what the entry stands for: Bytes, *Dict, *Array (reduce.go, numpy.go)
//	EMPTY_SET, FROZENSET         *Opaque
//
// Refused are INST, OBJ, PERSID, BINPERSID, the three EXT, and the two opcodes of buffers outside the stream.
//
// # Limits
//
// Memory is charged before it is taken, and every length is compared with what is left of the input. The decoder itself never recurses. Values may be shared, and may
// contain themselves, since a pickle may say so: [Walk] visits each of them once.
package pickle
