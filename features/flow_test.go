package features

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
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

// TestCopyWith compares with CopyTo: the copies are equal, and stay so whatever is copied later and whatever happens to the flow.
func TestCopyWith(t *testing.T) {
	var texts []byte
	var want, got [3]Flow
	for round := range 3 {
		texts = texts[:0]
		for i := range got {
			f := &Flow{Start: int64(i), UID: []byte(strings.Repeat("C", 10*i+round)), History: []byte("Sh"), Joined: &Joined{}}
			if i == round {
				f.UNSW, f.NSL, f.Kind = &UNSW{Proto: strconv.Itoa(round)}, &NSL{Service: "http"}, []byte("worm")
			} else {
				f.LabelText = []byte(strconv.Itoa(i + round))
			}
			f.CopyTo(&want[i])
			texts = f.CopyWith(&got[i], texts)
			clear(f.UID)
			f.History[0] = 'x'
			if f.UNSW != nil {
				f.UNSW.Proto, f.NSL.Service = "x", "x"
			}
		}
		for i := range got {
			require.Equal(t, fmt.Sprintf("%+v", want[i].UNSW), fmt.Sprintf("%+v", got[i].UNSW))
			require.Equal(t, want[i].NSL, got[i].NSL)
			require.Equal(t, [4]string{string(want[i].UID), string(want[i].History), string(want[i].LabelText), string(want[i].Kind)},
				[4]string{string(got[i].UID), string(got[i].History), string(got[i].LabelText), string(got[i].Kind)})
			require.Equal(t, want[i].Start, got[i].Start)
		}
	}
	require.Empty(t, (&Flow{}).CopyWith(&got[0], nil))
	require.Equal(t, Flow{}, got[0])
}
