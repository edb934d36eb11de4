package features

// Library names this module and its version in what it writes.
const Library = "threatdetect 0.1.0"
