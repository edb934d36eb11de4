package serve

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestArrivals reads what came a while ago, what comes just now, and what came before the system was asked to note it.
func TestArrivals(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	conn, err := l.Accept()
	require.NoError(t, err)
	defer conn.Close()
	say := func(text string) {
		_, err := io.WriteString(client, text)
		require.NoError(t, err)
	}
	var b [10]byte
	var a arrivals
	say("early")
	time.Sleep(time.Millisecond)
	n, _, err := a.read(conn, b[:])
	require.NoError(t, err)
	require.Equal(t, "early", string(b[:n]))

	var waited time.Duration
	for try := 0; waited == 0 && try < 100; try++ { // the system begins to note it a moment after it was asked to
		say("late")
		time.Sleep(30 * time.Millisecond)
		n, waited, err = a.read(conn, b[:])
		require.NoError(t, err)
		require.Equal(t, "late", string(b[:n]))
	}
	require.GreaterOrEqual(t, waited, 30*time.Millisecond)

	go func() {
		time.Sleep(30 * time.Millisecond)
		io.WriteString(client, "now")
	}()
	begin := time.Now()
	n, waited, err = a.read(conn, b[:])
	require.NoError(t, err)
	require.Equal(t, "now", string(b[:n]))
	require.Less(t, waited, time.Since(begin))

	conn.SetReadDeadline(time.Now())
	_, _, err = a.read(conn, b[:])
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	conn.SetReadDeadline(time.Time{})
	client.Close()
	_, waited, err = a.read(conn, b[:])
	require.ErrorIs(t, err, io.EOF)
	require.Zero(t, waited)
}

// Buffers are used again, and never one of another size.
func TestBuffers(t *testing.T) {
	var b buffers
	for size := bodyStep; size <= 8<<20; size *= 2 {
		b.put(append(b.get(size), 1))
		require.Equal(t, size, cap(b.get(size)))
		odd := size + 1
		b.put(b.get(odd))
		require.Equal(t, size, cap(b.get(size)))
		require.Empty(t, b.get(odd))
		require.Equal(t, odd, cap(b.get(odd)))
	}
	b.put(nil)
}
