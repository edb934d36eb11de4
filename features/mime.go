package features

import "strings"

// mimeClass is what a body is, by its type or by the extension of its name.
type mimeClass uint8

const (
	mimeUnknown mimeClass = iota
	mimeText
	mimeImage
	mimeMedia
	mimeFont
	mimeArchive // with documents, many of which are archives
	mimeProgram
)

// extensions are those whose content has one class; a server may answer with anything to the others.
var extensions = map[string]mimeClass{
	"htm": mimeText, "html": mimeText, "txt": mimeText, "css": mimeText, "js": mimeText, "json": mimeText, "xml": mimeText, "csv": mimeText,
	"png": mimeImage, "jpg": mimeImage, "jpeg": mimeImage, "gif": mimeImage, "webp": mimeImage, "bmp": mimeImage, "ico": mimeImage,
	"mp3": mimeMedia, "mp4": mimeMedia, "m4a": mimeMedia, "ogg": mimeMedia, "wav": mimeMedia, "avi": mimeMedia, "mov": mimeMedia, "webm": mimeMedia,
	"mkv": mimeMedia, "flv": mimeMedia, "woff": mimeFont, "woff2": mimeFont, "ttf": mimeFont, "otf": mimeFont, "eot": mimeFont,
	"zip": mimeArchive, "gz": mimeArchive, "tgz": mimeArchive, "bz2": mimeArchive, "xz": mimeArchive, "7z": mimeArchive, "rar": mimeArchive,
	"tar": mimeArchive, "jar": mimeArchive, "apk": mimeArchive, "cab": mimeArchive, "pdf": mimeArchive, "rtf": mimeArchive, "doc": mimeArchive,
	"xls": mimeArchive, "ppt": mimeArchive, "docx": mimeArchive, "xlsx": mimeArchive, "pptx": mimeArchive,
	"exe": mimeProgram, "dll": mimeProgram, "scr": mimeProgram, "sys": mimeProgram,
}

// types are those of application/; an x- before the name does not count.
var types = map[string]mimeClass{
	"json": mimeText, "javascript": mimeText, "xml": mimeText, "xhtml+xml": mimeText, "rss+xml": mimeText, "atom+xml": mimeText,
	"font-woff": mimeFont, "font-woff2": mimeFont, "font-ttf": mimeFont, "font-otf": mimeFont, "vnd.ms-fontobject": mimeFont, "font-sfnt": mimeFont,
	"zip": mimeArchive, "gzip": mimeArchive, "bzip2": mimeArchive, "xz": mimeArchive, "7z-compressed": mimeArchive, "rar": mimeArchive,
	"rar-compressed": mimeArchive, "vnd.rar": mimeArchive, "tar": mimeArchive, "java-archive": mimeArchive, "vnd.android.package-archive": mimeArchive,
	"vnd.ms-cab-compressed": mimeArchive, "pdf": mimeArchive, "rtf": mimeArchive, "msword": mimeArchive, "vnd.ms-excel": mimeArchive,
	"vnd.ms-powerpoint": mimeArchive, "ogg": mimeMedia, "mp4": mimeMedia, "mpeg": mimeMedia,
	"dosexec": mimeProgram, "executable": mimeProgram, "sharedlib": mimeProgram, "mach-o-executable": mimeProgram, "msdownload": mimeProgram,
	"vnd.microsoft.portable-executable": mimeProgram,
}

// classOfMIME is the class of a type such as "text/html; charset=utf-8".
func classOfMIME(mime string) mimeClass {
	mime, _, _ = strings.Cut(mime, ";")
	var lower [64]byte
	kind, name, _ := strings.Cut(string(lowerInto(&lower, strings.Trim(mime, " \t"))), "/")
	switch kind {
	case "text":
		return mimeText
	case "image":
		return mimeImage
	case "audio", "video":
		return mimeMedia
	case "font":
		return mimeFont
	case "application":
		if name = strings.TrimPrefix(name, "x-"); strings.HasPrefix(name, "vnd.openxmlformats-officedocument.") {
			return mimeArchive
		}
		return types[name]
	}
	return mimeUnknown
}

// classOfURI is the class that the extension of a path promises.
func classOfURI(uri string) mimeClass {
	if end := strings.IndexAny(uri, "?#"); end >= 0 {
		uri = uri[:end]
	}
	uri = uri[strings.LastIndexByte(uri, '/')+1:]
	dot := strings.LastIndexByte(uri, '.')
	if dot < 0 {
		return mimeUnknown
	}
	var lower [64]byte
	return extensions[string(lowerInto(&lower, uri[dot+1:]))]
}

// lowerInto is a text in lower case, as far as there is room for it.
func lowerInto(dst *[64]byte, text string) []byte {
	n := copy(dst[:], text)
	for i, c := range dst[:n] {
		if 'A' <= c && c <= 'Z' {
			dst[i] = c + 'a' - 'A'
		}
	}
	return dst[:n]
}
