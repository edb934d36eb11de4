// Command zeek reads a Zeek conn.log, TSV or JSON, plain or compressed, and counts the threats of every source address.
// Run it in the root of the repository:
//
//	go run ./examples/zeek testdata/demo/model.tar.gz testdata/demo/conn.log
package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/netip"
	"os"
	"slices"

	"threatdetect/features"
	"threatdetect/features/zeek"
	"threatdetect/inference/detect"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: zeek BUNDLE conn.log")
	}
	detector, err := detect.Open(os.Args[1], nil)
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()

	threats := make(map[netip.Addr]int)
	skipped := 0
	for verdict, err := range detector.Stream().Verdicts(zeek.Read(file, nil)) {
		if record := (*features.RecordError)(nil); errors.As(err, &record) {
			skipped++ // one bad record costs one record
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		if verdict.Threat {
			threats[verdict.Flow.Src]++
		}
	}
	sources := slices.SortedFunc(maps.Keys(threats), func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(threats[b], threats[a]), a.Compare(b))
	})
	for _, src := range sources {
		fmt.Printf("%6d threats from %s\n", threats[src], src)
	}
	fmt.Printf("%d records skipped\n", skipped)
}
