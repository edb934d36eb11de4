package bigram

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed bigrams.txt
var text string

// bound is the class of whatever is no letter, and of the ends of a text.
const bound = 26

// likelihoods are thousandths of the logarithm to the base 2 of the probability of a class behind another one.
var likelihoods = func() (table [bound + 1][bound + 1]int32) {
	row := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "//") {
			continue
		}
		for column, cell := range strings.Fields(line) {
			n, err := strconv.Atoi(cell)
			if err != nil {
				panic("bigrams.txt: " + err.Error())
			}
			table[row][column] = int32(n)
		}
		row++
	}
	return table
}()

// Score returns the sum of the likelihoods of all pairs of neighbours of which one at least is a letter, in thousandths of bits, and
// how many there are. The ends of the text count as neighbours; letters are those of ASCII in lower case.
func Score(name []byte) (sum, pairs int) {
	before := bound
	for i := 0; i <= len(name); i++ {
		class := bound
		if i < len(name) && name[i]-'a' < bound {
			class = int(name[i] - 'a')
		}
		if before != bound || class != bound {
			sum += int(likelihoods[before][class])
			pairs++
		}
		before = class
	}
	return sum, pairs
}
