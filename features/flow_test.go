package features

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// TestFlowSize keeps a flow small: it is copied, cleared and queued for every record.
func TestFlowSize(t *testing.T) {
	size := unsafe.Sizeof(Flow{})
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Flow]()) {
		if field.Type.Kind() == reflect.String || field.Type == reflect.TypeFor[[]byte]() {
			size -= field.Type.Size()
		}
	}
	require.LessOrEqual(t, size, uintptr(192), "without its texts")
}

func TestCloneSharesNoBuffer(t *testing.T) {
	f := &Flow{UID: []byte("C1"), History: []byte("Sh"), LabelText: []byte("Benign"), UNSW: &UNSW{Proto: "tcp"}, Joined: &Joined{Dropped: 1}}
	c := f.Clone()
	require.Equal(t, f, c)
	f.UID[0], f.History[0], f.LabelText[0], f.UNSW.Proto = 'x', 'x', 'x', "x"
	require.Equal(t, &Flow{UID: []byte("C1"), History: []byte("Sh"), LabelText: []byte("Benign"), UNSW: &UNSW{Proto: "tcp"}, Joined: &Joined{Dropped: 1}}, c)
}
