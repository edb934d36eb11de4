package serve

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/internal/testkit"
	"threatdetect/internal/testkit/tarball"
	"threatdetect/model"
)

// pieces takes the processor time between pauses.
type pieces struct {
	n             int
	last, longest time.Duration
}

func (p *pieces) Pause() {
	now := testkit.CPUTime()
	p.longest = max(p.longest, now-p.last)
	p.last = now
	p.n++
}

// TestPiecesOfAReload takes the processor time between the pauses of all that a reload does, which is what others wait for where there is one processor. With
// -long the models are large ones, and no piece is longer than HOT-3 allows; without, none is an eighth of the whole.
func TestPiecesOfAReload(t *testing.T) {
	trees := 300
	if *long {
		trees = 3000
	}
	files := map[string][]byte{}
	for _, format := range []model.Format{model.FormatUBJSON, model.FormatJSON} {
		files[string(format)] = fileOf(t, testkit.WideBooster(trees, 8, 69, uint64(trees)), format)
	}
	files["archive"] = tarball.Of(t, "xgboost-model", files["json"])
	var err error
	files["bundle"], err = os.ReadFile(demo(t, "model.tar.gz"))
	require.NoError(t, err)
	runtime.LockOSThread() // the processor time is that of a thread
	defer runtime.UnlockOSThread()
	for name, data := range files {
		path := filepath.Join(t.TempDir(), "model")
		put(t, path, data)
		var p *pieces
		var whole time.Duration
		for range 3 { // what the kernel does meanwhile may count as ours, once
			p = &pieces{last: testkit.CPUTime()}
			begin := p.last
			require.NotEmpty(t, contentOf(path, p))
			b, err := model.OpenBundle(path, &model.LoadOptions{Pauser: p})
			require.NoError(t, err)
			m, err := newModel(b, p)
			require.NoError(t, err)
			require.NoError(t, m.explain(p))
			p.Pause()
			whole = p.last - begin
			t.Logf("%s, %d KiB: %v of processor time in %d pieces, the longest %v", name, len(data)>>10, whole, p.n, p.longest)
			if *long || p.longest < whole/8 {
				break
			}
		}
		require.Greater(t, p.n, 100)
		require.Less(t, p.longest, whole/8)
		if *long {
			require.Less(t, p.longest, 20*time.Millisecond)
		}
	}
}
