package inference

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// fused matches multiply-and-add instructions of arm64 and of GOAMD64=v3, which round once where XGBoost rounds twice.
var fused = regexp.MustCompile(`\b(FN?MADD[SD]|FN?MSUB[SD]|VFN?MADD\d+S[SD]|VFN?MSUB\d+S[SD])\b`)

// TestNothingIsFused compiles what makes the bits for processors that have fused instructions, and looks for them. The C library's
// exponential and logarithm are written with explicit ones, in float64: those are in package f32math, which has digests of its own.
func TestNothingIsFused(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for other processors")
	}
	for _, target := range [][]string{{"GOARCH=arm64"}, {"GOARCH=amd64", "GOAMD64=v3"}} {
		for _, pkg := range []string{"forest", "kernel", "shap"} {
			path := "threatdetect/internal/" + pkg
			build := exec.Command("go", "build", "-gcflags="+path+"=-S", path)
			build.Env = append(os.Environ(), append(target, "GOFLAGS=", "GOOS=linux", "CGO_ENABLED=0")...)
			out, err := build.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %v\n%s", target, err, out)
			}
			if len(out) == 0 {
				t.Fatalf("%v: no listing of %s", target, pkg)
			}
			if found := fused.Find(out); found != nil {
				t.Errorf("%v: package %s has %s", target, pkg, found)
			}
		}
	}
}
