package model

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// conformanceCases names, for each of the 82 conformance cases that this project promises, the tests that hold it. A name is that of a
// test here, or of another package behind its directory; what follows a slash is a golden case that TestGolden or
// TestGoldenExplained compares, of any release or of the one in front of it.
var conformanceCases = [83]string{
	1:  "TestFourFormsOfARealModel TestReleasesAreEqualInAllFormats TestPickles inference.TestGolden/squarederror-base-default",
	2:  "TestAliases inference.TestGolden/linear-base-0.5",
	3:  "inference.TestGolden/1.0.2/squarederror-long inference.TestGolden/1.7.6/squarederror-long internal/forest.TestOrder",
	4:  "inference.TestGolden/reglogistic-base-0.1",
	5:  "inference.TestGolden/reg-squaredlogerror-0.8",
	6:  "inference.TestGolden/reg-pseudohubererror-0.8 inference.TestGolden/pseudohuber-slope TestOldSpellings",
	7:  "inference.TestGolden/3.2.0/reg-absoluteerror-default",
	8:  "inference.TestGolden/reg-gamma-0.8 inference.TestGolden/0.90/gamma",
	9:  "inference.TestGolden/reg-tweedie-0.8",
	10: "inference.TestGolden/quantile-single inference.TestGolden/2.1.4/reg-quantileerror-0.8 inference.TestGolden/3.4.1/reg-quantileerror-0.8",
	11: "inference.TestGolden/reg-expectileerror-default",
	12: "inference.TestGolden/1.0.2/count-poisson-0.8 inference.TestGolden/0.90/poisson TestReleasesAreEqualInAllFormats",
	13: "inference.TestGolden/survival-cox-0.8",
	14: "inference.TestGolden/survival-aft-0.8 inference.TestValueOfMargin",
	15: "inference.TestGolden/logistic-base-0.5 inference.TestGolden/logistic-base-0.1 inference.TestGolden/logistic-base-0.999",
	16: "inference.TestValueOfMargin inference.TestSigmoidRelease inference.TestGolden/logistic-extreme",
	17: "inference.TestGolden/logitraw-base-0.2 inference.TestBaseMargin",
	18: "inference.TestValueOfMargin inference.TestGolden/binary-hinge-0.8",
	19: "inference.TestGolden/softmax-ties inference.TestArgMax",
	20: "inference.TestGolden/softprob inference.TestGolden/softprob-40",
	21: "inference.TestGolden/3.2.0/softprob-base-default inference.TestBaseVector",
	22: "inference.TestGolden/rank-pairwise-0.8 inference.TestGolden/1.7.6/rank-ndcg-0.8 inference.TestGolden/2.1.4/rank-ndcg-0.8 inference.TestGolden/rank-map-0.8",
	23: "inference.TestGolden/custom",
	24: "inference.TestGolden/1.7.6/dart-tree TestVariantsInPickles TestReleasesAreEqualInAllFormats",
	25: "inference.TestGolden/dart-forest internal/forest.TestWeightRounding",
	26: "inference.TestGolden/dart-three",
	27: "inference.TestGolden/0.90/dart-tree TestVariantsInPickles internal/forest.TestOrder",
	28: "inference.TestGolden/linear-squarederror inference.TestLinear",
	29: "inference.TestGolden/linear-softprob",
	30: "inference.TestGolden/linear-untrained TestBoosterLayouts",
	31: "inference.TestGolden/forest",
	32: "inference.TestGolden/forest-softprob inference.TestGolden/forest-softprob-middle",
	33: "TestForestSizeIsInferred TestReleasesAreEqualInAllFormats",
	34: "TestPickles",
	35: "inference.TestGolden/targets inference.TestGolden/targets-logistic",
	36: "inference.TestGolden/2.1.4/vector TestVariantsInAllFormats",
	37: "inference.TestGolden/3.2.0/vector TestDefectsOfKinds",
	38: "inference.TestGolden/categorical-onehot",
	39: "inference.TestGolden/categorical-partition",
	40: "internal/forest.TestCategory inference.TestGolden/categorical-partition",
	41: "TestReleasesAreEqualInAllFormats TestCategoryDictionaryDefects",
	42: "inference.TestGolden/squarederror-single-leaf",
	43: "inference.TestGolden/logistic-pruned",
	44: "TestStaleIndices TestTinyModelInAllFormats",
	45: "internal/forest.TestSplit inference.TestRoundedFeature inference/rows.TestNumberNearMiddle",
	46: "inference/rows.TestMissingValue TestPickles",
	47: "inference/rows.TestOptions inference/rows.TestCSVFaults inference/rows.TestRowMayBeChanged inference.TestShapeError",
	48: "inference/rows.TestNumber internal/forest.TestSplit inference.TestRoundedFeature",
	49: "inference/rows.TestLibsvm inference.TestGolden/logistic-base-0.5",
	50: "inference.TestPredictFrom inference.TestGolden/dart-tree inference.TestGolden/forest-softprob",
	51: "inference.TestRounds inference.TestRoundsRefused inference.TestGolden/dart-softprob",
	52: "inference.TestRounds TestReleasesAreEqualInAllFormats",
	53: "inference.TestPickleLimit TestPickles",
	54: "TestPickles",
	55: "TestPickles",
	56: "TestPickles TestWrapperLabels internal/pickle.TestArrays",
	57: "TestPickles TestPickledForms TestVariantsInPickles TestSnapshots",
	58: "TestPickleDefects TestPickleBombs internal/pickle.TestForbiddenNames internal/pickle.TestForbiddenOpcodes internal/pickle.TestBombs internal/pickle.TestBroken",
	59: "TestUnmarkedLegacyThatLooksLikeAnotherFormat",
	60: "inference.TestGolden/0.72.1/logistic inference.TestGolden/0.90/poisson inference.TestBaseMargin",
	61: "TestOddButValid inference.TestGolden/1.0.2/logistic-base-0.5",
	62: "TestOddButValid TestSnapshotDocuments inference.TestGolden/1.3.3/logistic-base-0.5",
	63: "TestForeignJSON TestJSONNumbers TestOddButValid",
	64: "TestBaseScoreForms TestModelWithoutEnding",
	65: "TestVariantsInAllFormats TestOddButValid",
	66: "TestTruncation",
	67: "TestTableOfHazards",
	68: "TestArchives TestHostileArchives TestDamagedArchives TestEnsembles",
	69: "inference.TestEnsembleMean inference.TestEnsembleVote",
	70: "inference.TestGoldenExplained/categorical-partition inference.TestGoldenExplained/dart-softprob inference.TestExplainedRows",
	71: "inference.TestGoldenExplained/softprob-forest internal/shap.TestSums inference.TestInteractionRows",
	72: "inference.TestManyGoroutines inference.TestConcurrent",
	73: "internal/f32math.TestDigest internal/f32math.TestGolden",
	74: "inference.TestNothingIsFused",
	75: "TestModelWithoutEnding",
	76: "inference.TestGolden/3.4.1/vector-dart inference.TestGolden/3.4.1/dart-tree TestVariantsInPickles TestReleasesAreEqualInAllFormats",
	77: "inference.TestRuntime inference.TestBaseMargin inference.TestValueOfMargin internal/forest.TestCategory",
	78: "inference.TestGolden/3.2.0/linear-intercepts inference.TestLinear",
	79: "inference.TestGoldenExplained/0.72.1/dart-tree inference.TestGoldenExplained/0.90/dart-tree internal/shap.TestTablesEqualReference",
	80: "TestOldSpellings",
	81: "inference.TestRounds",
	82: "inference.TestBaseScoreLimits inference.TestBaseMargin inference.TestGolden/logistic-base-0 inference.TestGolden/logistic-base-1 inference.TestGolden/logistic-base-1e-7",
}

// hazards are the rows of the tables of hostile files, models first, then archives and pickles, with the tests that hold each.
var hazards = map[string]string{
	"cycle, child out of range, negative or 0":      "TestDefects TestLegacySizes",
	"feature index far or slightly out of range":    "TestDefects",
	"children swapped or not adjacent":              "TestDefects TestPolicies",
	"NaN threshold":                                 "TestOddButValid TestWarnings",
	"NaN or infinite leaf or tree weight":           "TestDefects TestDefectsOfKinds TestPolicies",
	"num_nodes huge or not positive":                "TestDocumentDefects TestLegacySizes TestDeclaredLengthsAllocateNothing",
	"num_trees huge, too large, too small":          "TestDocumentDefects TestLegacySizes TestDeclaredLengthsAllocateNothing",
	"tree_info out of range":                        "TestDefects TestHostileModels",
	"tree id twice or out of range":                 "TestDocumentDefects",
	"num_parallel_tree 0, or not dividing":          "TestDefects TestWarnings",
	"iteration_indptr":                              "TestDocumentDefects TestValidate",
	"weight_drop of another length":                 "TestDefectsOfKinds TestDocumentDefects",
	"gblinear weights of another length":            "TestDefectsOfKinds",
	"categories: segments, codes, bits":             "TestDefectsOfKinds TestCategoryBits TestCategoryLimit",
	"nesting":                                       "TestDeepDocuments TestFilesThatAreNoModels",
	"cut files":                                     "TestTruncation TestCutFilesTellWhere",
	"lengths that nothing backs":                    "TestHostileModels TestDeclaredLengthsAllocateNothing TestLegacySizes",
	"trailing bytes":                                "TestPolicies",
	"base_score unreadable":                         "TestBaseScoreForms",
	"unknown objective":                             "TestNotSupported",
	"no attributes":                                 "TestDocumentDefects",
	"hessians that add up to 0":                     "inference.TestZeroCovers internal/shap.TestZeroCover",
	"deep trees":                                    "TestDeepTree internal/forest.TestDeep",
	"control characters in names":                   "TestNamesWithControlCharacters",
	"archive: bombs":                                "TestArchives",
	"archive: traversal, links, devices, sparse":    "TestArchives TestHostileArchives TestSparseMember",
	"archive: too many members, names twice":        "TestArchives TestHostileArchives",
	"archive: several gzip members, trailing bytes": "TestDamagedArchives",
	"archive: directory in place of it":             "TestOpenDirectory",
	"pickle: opcodes, memo, stack, elements":        "internal/pickle.TestBombs internal/pickle.TestManyNames internal/pickle.TestDoubling",
	"pickle: lengths":                               "internal/pickle.TestDeclaredLengths internal/pickle.TestLargeBytes",
	"pickle: nesting and cycles":                    "internal/pickle.TestNestingLimit internal/pickle.TestCycles internal/pickle.TestRepeatedReferences",
	"pickle: forbidden names are named":             "internal/pickle.TestForbiddenNames internal/pickle.TestMisusedNames TestPickleDefects",
	"pickle: no import":                             "internal/pickle.TestImports",
}

// testsOf returns the tests of a package in this module, with the number of entries of the tables that each goes through.
func testsOf(t *testing.T, dir string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
	require.NoError(t, err)
	out := map[string]int{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			out[f.Name.Name] = 0
			ast.Inspect(f, func(n ast.Node) bool {
				if loop, ok := n.(*ast.RangeStmt); ok {
					if table, ok := loop.X.(*ast.CompositeLit); ok {
						out[f.Name.Name] += len(table.Elts)
						return false // tables inside of the loop are not counted again
					}
				}
				return true
			})
		}
	}
	return out
}

func TestConformanceCases(t *testing.T) {
	packages := map[string]map[string]int{}
	require.Empty(t, conformanceCases[0])
	check := func(what, names string) {
		require.NotEmpty(t, strings.Fields(names), what)
		for _, name := range strings.Fields(names) {
			dir, test := "model", name
			if at := strings.Index(name, "."); at >= 0 {
				dir, test = name[:at], name[at+1:]
			}
			test, golden, isGolden := strings.Cut(test, "/")
			if packages[dir] == nil {
				packages[dir] = testsOf(t, dir)
			}
			require.Contains(t, slices.Collect(maps.Keys(packages[dir])), test, what)
			if isGolden {
				ending := ".expect.gz"
				if strings.HasSuffix(test, "Explained") {
					ending = ".explain.gz"
				}
				if !strings.Contains(golden, "/") {
					golden = "*/" + golden
				}
				files, err := filepath.Glob(filepath.Join("..", "testdata", "golden", filepath.FromSlash(golden)+ending))
				require.NoError(t, err)
				require.NotEmpty(t, files, "%s: no golden case %s", what, golden)
			}
		}
	}
	for i, names := range conformanceCases[1:] {
		check("case "+string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10)), names)
	}
}

// TestTableOfHazards holds the tables of hostile files to their tests, and the tests to the number of cases that they promise.
func TestTableOfHazards(t *testing.T) {
	here, pickle := testsOf(t, "model"), testsOf(t, "internal/pickle")
	all := map[string]map[string]int{"": here, "internal/pickle": pickle, "inference": testsOf(t, "inference"),
		"internal/shap": testsOf(t, "internal/shap"), "internal/forest": testsOf(t, "internal/forest")}
	for row, names := range hazards {
		for _, name := range strings.Fields(names) {
			dir := ""
			if at := strings.Index(name, "."); at >= 0 {
				dir, name = name[:at], name[at+1:]
			}
			require.Contains(t, all[dir], name, row)
		}
	}
	count := func(from map[string]int, names ...string) (sum int) {
		for _, name := range names {
			require.Positive(t, from[name], name)
			sum += from[name]
		}
		return sum
	}
	models := count(here, "TestDefects", "TestNotSupported", "TestDocumentDefects", "TestLegacySizes", "TestDefectsOfKinds", "TestBoosterLayouts",
		"TestCategoryDictionaryDefects", "TestHostileModels")
	archives := count(here, "TestArchives", "TestHostileArchives")
	pickles := count(pickle, "TestForbiddenNames", "TestForbiddenOpcodes", "TestMisusedNames", "TestBroken", "TestBombs")
	require.GreaterOrEqual(t, models, 120)
	require.GreaterOrEqual(t, archives, 60)
	require.GreaterOrEqual(t, pickles, 80)
	t.Logf("by hand: %d hostile models, %d archives, %d pickles", models, archives, pickles)
}
