package model

import "testing"

// seeds are small models of several releases and shapes, and some that are refused.
func seeds() []*Booster {
	classes := tiny()
	classes.Objective, classes.NumClass, classes.TreeGroup, classes.IterationStart = "multi:softprob", 2, []int32{0, 1}, []int32{0, 2}
	out := []*Booster{tiny(), classes}
	for _, v := range []Version{{}, {1, 0, 0}, {1, 5, 0}, {3, 2, 0}} {
		b := tiny()
		b.Version = v
		out = append(out, b)
	}
	for _, b := range variants() {
		out = append(out, b)
	}
	cycle := tiny()
	cycle.Trees[0].Left[1] = 0
	none := tiny()
	none.Trees, none.TreeGroup, none.IterationStart = nil, []int32{}, []int32{0}
	return append(out, cycle, none)
}

func fuzz(f *testing.F) {
	f.Fuzz(func(t *testing.T, file []byte) { sound(t, file) })
}

func FuzzLegacy(f *testing.F) {
	for _, b := range seeds() {
		if file, ok := forms(b)["legacy"]; ok {
			f.Add(file)
		}
	}
	fuzz(f)
}

func FuzzJSON(f *testing.F) {
	for _, b := range seeds() {
		f.Add(toJSON(documentOf(b)))
	}
	f.Add([]byte(`{"learner":{"attributes":{"\ud83d\ude00":"\u0000"}},"x":[NaN,-Infinity,1e-400,{"y":null}]}`))
	fuzz(f)
}

func FuzzUBJSON(f *testing.F) {
	for _, b := range seeds() {
		f.Add(toUBJSON(documentOf(b), true))
		f.Add(toUBJSON(documentOf(b), false))
	}
	fuzz(f)
}

func FuzzArchive(f *testing.F) {
	model := toLegacy(tiny())
	plain := tarOf(f, entry{name: "xgboost-model", body: string(model)})
	bundle := tarOf(f, entry{name: "./xgboost-model", body: string(model)}, entry{name: contractName, body: "{}"}, entry{name: manifestName, body: `{"files":{}}`})
	f.Add(plain)
	f.Add(bundle)
	f.Add(zip(plain))
	f.Add(zip(bundle))
	f.Add(writeBundle(f, &Bundle{Artifact: model, Contract: []byte("{}"), Card: []byte("x")}))
	f.Add(zip(model))
	f.Add(append(zip(plain[:700]), zip(plain[700:])...))
	f.Add(tarOf(f, entry{name: "a"}, entry{name: "../b"}))
	fuzz(f)
}
