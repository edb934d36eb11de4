// Command floor answers every request with the same text, by net/http alone: what a server in Go takes at least.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "0.5\n")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
