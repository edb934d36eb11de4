package features

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMIMEClasses(t *testing.T) {
	for mime, want := range map[string]mimeClass{
		"text/html; charset=utf-8": mimeText, " Image/PNG": mimeImage, "application/x-dosexec": mimeProgram, "application/javascript": mimeText,
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": mimeArchive, "video/mp4": mimeMedia, "application/octet-stream": mimeUnknown,
		"": mimeUnknown, "application": mimeUnknown, "font/woff2": mimeFont, "x": mimeUnknown,
	} {
		require.Equal(t, want, classOfMIME(mime), mime)
	}
	for uri, want := range map[string]mimeClass{
		"/a/b.PNG?x=/y.exe": mimeImage, "/a.exe/": mimeUnknown, "/a.b/c": mimeUnknown, "a.tar.gz": mimeArchive, "/": mimeUnknown, "": mimeUnknown,
		"http://example.com/setup.exe#top": mimeProgram, "/index.php": mimeUnknown, "/.js": mimeText, "/x.": mimeUnknown,
	} {
		require.Equal(t, want, classOfURI(uri), uri)
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { classOfURI("/a/b.PNG?x"); classOfMIME("application/X-dosexec") }))
}
