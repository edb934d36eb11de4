package deptest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rules lists every package of the module and what it may import of the module and of others. An import that is not
// listed fails the test: imports go down the list, never up or sideways, and a new one is a decision.
var rules = []struct {
	pkg, may, why string
}{
	{"internal/safeio", "", "bounded reading knows nothing of what it reads"},
	{"internal/ubjson", "internal/safeio", "tokens with offsets, no models"},
	{"internal/pickle", "", "what could run, read or fetch something must not even be in reach"},
	{"internal/f32math", "", "exact functions"},
	{"internal/decimal", "", "numbers in text"},
	{"internal/lazyregexp", "", "expressions"},
	{"internal/ipaddr", "", "addresses in text"},
	{"internal/fieldscan", "golang.org/x/sys/cpu", "bytes of a line: it knows no logs"},
	{"internal/rowscan", "golang.org/x/sys/cpu internal/decimal", "rows of a text: it knows no logs, but how they write numbers"},
	{"internal/jsonscan", "internal/fieldscan", "JSON records where they lie"},
	{"internal/datetime", "internal/decimal", "times in text"},
	{"internal/gunzip", "", "a decoder that loses nothing at a cut"},
	{"internal/logio", "github.com/klauspost/compress/zstd internal/gunzip", "the one place that decompresses logs"},
	{"internal/corrupt", "", "damaged files for tests of loaders"},
	{"internal/deptest", "", "a test"},
	{"internal/testkit", "model", "for tests of every package; none imports it otherwise"},
	{"internal/testkit/logs", "features internal/trafficgen github.com/stretchr/testify/require", "makes logs for tests, and runs readers"},
	{"internal/testkit/tarball", "github.com/stretchr/testify/require", "reads fixtures"},

	{"model", "internal/f32math internal/pickle internal/safeio internal/ubjson", "a model is data: it cannot predict, and knows no logs"},
	{"internal/sketch", "", "arithmetic of counters and sets"},
	{"internal/suffix", "", "a frozen list and how to read it"},
	{"internal/bigram", "", "a frozen table and how to read it"},
	{"features", "internal/bigram internal/ipaddr internal/sketch internal/suffix", "rows know nothing of trees, and an agent that embeds them gets nothing else"},
	{"internal/naming", "features internal/decimal", "names of protocols, for readers"},
	{"internal/pairing", "features", "records of one direction become flows"},
	{"internal/badlines", "features internal/logio", "records that are skipped"},
	{"internal/celllog", "features internal/badlines internal/decimal internal/ipaddr internal/logio", "what all logs of cells have in common"},
	{"internal/dnsname", "", "numbers of DNS"},
	{"features/join", "features internal/ipaddr", "what waits for its flow"},
	{"features/zeek", "features features/join internal/badlines internal/datetime internal/decimal internal/dnsname internal/fieldscan internal/ipaddr internal/jsonscan internal/logio internal/naming internal/rowscan", "a reader makes flows"},
	{"features/eve", "features features/join internal/badlines internal/datetime internal/dnsname internal/decimal internal/ipaddr internal/jsonscan internal/logio internal/naming", "a reader makes flows"},
	{"features/dataset", "features internal/decimal internal/logio", "training data of flows, from whatever reader"},
	{"features/unsw", "features internal/celllog internal/decimal internal/ipaddr internal/logio", "a reader makes flows"},
	{"features/binetflow", "features internal/celllog internal/datetime internal/decimal internal/logio", "a reader makes flows"},
	{"features/cicflow", "features internal/celllog internal/decimal internal/logio", "a reader makes flows"},
	{"features/nslkdd", "features internal/celllog internal/decimal internal/logio", "a reader makes flows"},
	{"internal/jsonlog", "features internal/badlines internal/jsonscan internal/logio", "what logs of JSON objects have in common"},
	{"features/vpcflow", "features internal/celllog internal/decimal internal/jsonlog internal/jsonscan internal/logio internal/pairing", "a reader makes flows"},
	{"features/vpcflow/parquet", "features features/vpcflow github.com/parquet-go/parquet-go github.com/parquet-go/parquet-go/encoding/thrift github.com/parquet-go/parquet-go/format",
		"the one place with a Parquet library"},
	{"features/netflow", "features internal/celllog internal/datetime internal/decimal internal/jsonlog internal/jsonscan internal/logio internal/pairing", "a reader makes flows"},
	{"features/auto", "features features/binetflow features/cicflow features/eve features/netflow features/nslkdd features/unsw features/vpcflow features/zeek internal/logio", "chooses among the readers"},

	{"internal/heapwalk", "", "trees as arrays: it knows no models"},
	{"internal/kernel", "golang.org/x/sys/cpu", "blocks of rows through networks of selections; it knows no models"},
	{"internal/forest", "internal/f32math internal/heapwalk internal/kernel model", "the compiled form of a model"},
	{"internal/shap", "internal/forest model", "what columns add to margins, from the compiled form and its training statistics"},
	{"inference", "internal/f32math internal/forest internal/kernel internal/shap model", "meets features only in rows and names"},
	{"inference/rows", "internal/decimal internal/rowscan", "numeric rows from text, for whoever predicts"},
	{"inference/diagnose", "inference model", "why predictions differ: it needs the model as data and what it predicts"},
	{"inference/detect", "features features/auto inference internal/decimal model", "the one place where features and inference meet"},
	{"inference/batch", "features features/auto features/vpcflow inference/detect", "logs in, scored files out: it knows no object store and no Parquet"},
	{"inference/batch/parquet", "inference/batch github.com/parquet-go/parquet-go", "outputs of a batch as Parquet"},
	{"inference/evaluate", "features gonum.org/v1/gonum/optimize gonum.org/v1/gonum/stat gonum.org/v1/gonum/stat/distuv", "what scores of flows are worth"},
	{"inference/evaluate/page", "inference/evaluate", "an evaluation as HTML: it measures nothing"},
	{"inference/serve", "features features/auto inference inference/detect inference/rows internal/decimal model " +
		"github.com/prometheus/client_golang/prometheus github.com/prometheus/client_golang/prometheus/collectors github.com/prometheus/client_golang/prometheus/promhttp golang.org/x/sys/unix",
		"scores over HTTP"},

	{"train/lambda", "train/trigger github.com/aws/aws-lambda-go/lambda github.com/aws/aws-lambda-go/lambdacontext " + awsSDK, "a program for Lambda, built and sent by train"},
	{"train/trigger", "", "decides; whoever imports it asks AWS"},
	{"train/pipeline", "internal/lazyregexp", "definitions are data: it asks nobody"},
	{"train", "internal/lazyregexp features inference inference/detect inference/diagnose model train/pipeline train/trigger go.yaml.in/yaml/v3 " + awsSDK, "asks AWS, and is the only one that does"},

	{"internal/awsfake", "inference/rows inference/serve internal/lazyregexp github.com/aws/smithy-go/encoding/cbor go.yaml.in/yaml/v3 github.com/johannesboyne/gofakes3 github.com/johannesboyne/gofakes3/backend/s3mem",
		"rehearses AWS: it judges package train, and so shares nothing with it"},

	{"internal/trafficgen", "", "simulated traffic"},
	{"internal/conformance", "inference model", "compares with XGBoost, in a command of its own"},
	{"internal/mkbundle", "features features/auto features/zeek inference inference/detect inference/evaluate internal/logio model", "makes the bundles of testdata"},
	{"internal/mkvocabulary", "internal/logio", "writes a file of features"},
	{"cmd/trafficgen", "internal/trafficgen", "a face on trafficgen"},
	{"cmd/threatdetect", "features features/auto features/join features/zeek features/dataset features/vpcflow features/vpcflow/parquet inference inference/detect inference/diagnose inference/evaluate inference/evaluate/page inference/rows inference/serve internal/awsfake internal/decimal internal/logio model train train/pipeline " +
		"inference/batch inference/batch/parquet " +
		"github.com/spf13/cobra github.com/spf13/pflag github.com/vbauerster/mpb/v8 github.com/vbauerster/mpb/v8/decor golang.org/x/term",
		"flags, bars and printing"},
	{"examples/agent", "features inference/detect", "an agent with flow records of its own"},
	{"examples/csv", "inference inference/rows", "numeric rows"},
	{"examples/retrain", "", "types commands, as people do"},
	{"examples/zeek", "features features/zeek inference/detect", "a Zeek log"},
}

// awsSDK are the parts of the AWS SDK that package train is made of.
const awsSDK = "github.com/aws/aws-sdk-go-v2/..." + " github.com/aws/smithy-go/..."

// closures lists packages that programs embed: nothing beyond the standard library, this module and the listed ones
// may be in what they import, however far down.
var closures = map[string]string{
	"inference": "golang.org/x/sys/cpu",
	"features":  "",
	"model":     "",

	"inference/detect": "github.com/klauspost/compress/zstd golang.org/x/sys/cpu", // and no Parquet
}

const module = "threatdetect"

func TestImports(t *testing.T) {
	imports := importsOf(t, "../..")
	var listed []string
	for _, r := range rules {
		listed = append(listed, r.pkg)
		allowed := strings.Fields(r.may)
		for _, imported := range imports[r.pkg] {
			short := strings.TrimPrefix(imported, module+"/")
			if standard(imported) {
				continue
			}
			if slices.ContainsFunc(allowed, func(pattern string) bool {
				prefix, ok := strings.CutSuffix(pattern, "/...")
				return ok && (imported == prefix || strings.HasPrefix(imported, prefix+"/"))
			}) {
				continue
			}
			require.Contains(t, allowed, short, "%s may not import %s: %s", r.pkg, imported, r.why)
		}
	}
	for pkg := range imports {
		require.Contains(t, listed, pkg, "package %s has no rule yet: say what it may import, and why", pkg)
	}
}

func TestClosures(t *testing.T) {
	imports := importsOf(t, "../..")
	for root, extra := range closures {
		seen := map[string]bool{}
		var visit func(pkg, from string)
		visit = func(pkg, from string) {
			short, ours := strings.CutPrefix(pkg, module+"/")
			switch {
			case seen[pkg] || slices.Contains(strings.Fields(extra), pkg):
				return
			case standard(pkg):
				require.NotContains(t, []string{"net", "net/http", "crypto/x509", "os/exec", "plugin"}, pkg, "%s imports it through %s", root, from)
				return
			case !ours:
				t.Errorf("%s depends on %s through %s", root, pkg, from)
				return
			}
			seen[pkg] = true
			for _, next := range imports[short] {
				visit(next, pkg)
			}
		}
		visit(module+"/"+root, root)
	}
}

// standard reports whether an import path is of the standard library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != module && !strings.Contains(first, ".")
}

// importsOf returns the imports of every package below root, without tests and without other modules.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || hasModFile(t, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		pkg := path.Clean(filepath.ToSlash(dir))
		if _, ok := imports[pkg]; !ok {
			imports[pkg] = nil
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if !slices.Contains(imports[pkg], imported) {
				imports[pkg] = append(imports[pkg], imported)
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, imports)
	return imports
}

func hasModFile(t *testing.T, dir string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	return len(found) > 0
}
