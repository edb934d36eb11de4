package suffix_test

import (
	"fmt"

	"threatdetect/internal/suffix"
)

func Example() {
	name := []byte("www.shop.example.co.uk")
	fmt.Printf("%s\n", name[suffix.Registered(name):])
	// Output: example.co.uk
}
