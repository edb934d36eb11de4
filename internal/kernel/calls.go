//go:build (amd64 || arm64) && !purego

package kernel

// A goroutine cannot be stopped in assembly, and a garbage collection has to wait for it. So one call has so little to do that it takes less than maxCall nanoseconds
// even if no cache has anything of it, by this count, and another ten thousand if it has to wait for its code as well.
const (
	maxCall  = 40_000
	lineTime = 25 // that a line of a cache takes to come from memory while others come as well
	rowTime  = 50 // that the first of some lines side by side takes in a row, which is in a page of its own if rows are wide
	nextTime = 12 // that each line behind it takes
)

// callNanoseconds is about what a tree takes for a block, by depth: lineTime for each of its planes, of 16 leaves and of 32 references, and what it takes without
// waiting. Shallow trees wait for most of what they ask for, as adding their leaves is too much between them for a processor to look ahead.
var callNanoseconds = [MaxDepth + 1]int{1: 700, 2: 750, 3: 850, 4: 1000, 5: 1250, 6: 2300, 7: 4500, 8: 8000}

// What else a call has to do at most, for the same reason. A rank column has 255 thresholds at most.
const (
	maxThresholds = 768 // that a column is compared with, of each of which 512 rows have a line
	maxSpreads    = 80  // sets of planes of windows: eight planes each, and up to eight lines of answers
	maxPairs      = 768 // planes that get missing rows from others
	maxRowRanks   = 256 // columns whose ranks are put in order for rows that walk: two lines each as they are, and two as they are wanted
)

// inRows is what a call reads in each of some rows: places that are so wide, and begin so far from the first number of a row as a list says.
type inRows struct {
	rows, stride int // how many there are, and how far one is from the next
	width, line  int // of a place and of a line of a cache; all in numbers or bytes
	own          int // nanoseconds that a place takes besides
}

// fit is how many of n places a call may take, at least one.
func (r inRows) fit(n int, place func(i int) uint32) int {
	all := (r.rows*r.stride/r.line + 2) * nextTime * 9 / 8 // what rows take as a whole; an eighth more, that is asked for behind them
	time, begin, end := 0, 0, 0                            // of a row but for what is from begin to end, side by side
	for i := range n {
		at := int(place(i))
		if i == 0 || at < begin || at > end+r.line {
			if i > 0 {
				time += r.time(end - begin)
			}
			begin, end = at, at
		}
		end = max(end, at+r.width)
		if (i+1)*r.own+min(r.rows*(time+r.time(end-begin)), all) > maxCall {
			return max(i, 1)
		}
	}
	return n
}

// time is what so many numbers or bytes side by side take, wherever they begin.
func (r inRows) time(n int) int { return rowTime + (n-2+r.line)/r.line*nextTime }

// calls is how many trees of a run one call of assembly adds.
func (r *run) calls() int {
	most := maxCall / callNanoseconds[r.depth]
	if r.depth <= upperLevels {
		most &^= 3 // some assembly takes four at a time
	}
	return most
}
