package suffix

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegistered(t *testing.T) {
	for name, want := range map[string]string{
		"":                          "",
		"com":                       "",
		"example.com":               "example.com",
		"a.b.example.com":           "example.com",
		"co.uk":                     "",
		"example.co.uk":             "example.co.uk",
		"www.example.co.uk":         "example.co.uk",
		"unknowntld":                "",
		"a.unknowntld":              "a.unknowntld",
		"b.a.unknowntld":            "a.unknowntld",
		"c.kobe.jp":                 "",
		"b.c.kobe.jp":               "b.c.kobe.jp",
		"a.b.c.kobe.jp":             "b.c.kobe.jp",
		"city.kobe.jp":              "city.kobe.jp",
		"www.city.kobe.jp":          "city.kobe.jp",
		"www.ck":                    "www.ck",
		"www.www.ck":                "www.ck",
		"test.ck":                   "",
		"b.test.ck":                 "b.test.ck",
		"user.github.io":            "user.github.io",
		"x.user.github.io":          "user.github.io",
		"xn--85x722f.xn--55qx5d.cn": "xn--85x722f.xn--55qx5d.cn",
		"www.xn--85x722f.com.cn":    "xn--85x722f.com.cn",
		"1.0.168.192.in-addr.arpa":  "192.in-addr.arpa",
		"a..com":                    ".com",
	} {
		at := Registered([]byte(name))
		got := ""
		if at >= 0 {
			got = name[at:]
		}
		require.Equal(t, want, got, "%q", name)
	}
}

func TestRegisteredDoesNotAllocate(t *testing.T) {
	name := []byte("a.b.c.example.co.uk")
	Registered(name)
	require.Zero(t, testing.AllocsPerRun(100, func() { Registered(name) }))
}

func FuzzRegistered(f *testing.F) {
	f.Add("a.b.example.co.uk")
	f.Add("..a..")
	f.Fuzz(func(t *testing.T, name string) {
		at := Registered([]byte(name))
		require.True(t, at >= -1 && at <= len(name))
		require.True(t, at <= 0 || name[at-1] == '.')
	})
}
