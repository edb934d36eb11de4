package naming_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
	"threatdetect/internal/naming"
)

func Example() {
	var names naming.Names
	class, name, ports, ok := names.Proto([]byte("IPv6-ICMP"))
	fmt.Println(class, name, ports, ok)
	app, detected := names.Apps([]byte("SSL,http"))
	fmt.Println(app, detected)
	// Output:
	// icmp ipv6-icmp false true
	// http http
}

// TestRemembered asks twice for names of which several fall into one place.
func TestRemembered(t *testing.T) {
	var names naming.Names
	texts := []string{"", "tcp", "TCP", "udp", "UDP", "icmp", "6", "17", "58", "255", "256", "6.0", "99999999999999999999", "sctp", "unknown_transport", "gre", "esp", "x", "http", "tls"}
	for range 2 {
		for _, s := range texts {
			var fresh naming.Names
			class, name, ports, ok := names.Proto([]byte(s))
			class2, name2, ports2, ok2 := fresh.Proto([]byte(s))
			require.Equal(t, fmt.Sprint(class2, name2, ports2, ok2), fmt.Sprint(class, name, ports, ok), s)
			app, name := names.Apps([]byte(s))
			app2, name2 := features.ParseApps([]byte(s), nil)
			require.Equal(t, fmt.Sprint(app2, name2), fmt.Sprint(app, name), s)
		}
	}
}

func TestLabel(t *testing.T) {
	for s, want := range map[string]features.Label{"Benign": features.Benign, "normal": features.Benign, "MALICIOUS": features.Attack, "attack": features.Attack, "": features.Unlabelled, "Background": features.Unlabelled} {
		require.Equal(t, want, naming.Label([]byte(s)), s)
	}
}
