package rows

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// start looks at a line before which there was no record. If it is one, separator, header and columns follow from it.
func (d *csvDecoder) start(line []byte) (bool, *Error) {
	comma := d.opts.Comma
	if comma == 0 {
		comma = d.guessComma(line)
	}
	d.comma = comma
	if d.isEmpty(line) {
		return false, nil
	}
	if d.opts.Header == HeaderNo && bytes.IndexByte(line, '"') < 0 {
		d.width, d.first = bytes.Count(line, []byte{comma})+1, d.line
		if fault := d.checkWidth(); fault != nil {
			return false, fault
		}
		return true, d.plain(line)
	}
	count, fault := d.fields.split(line, comma)
	if fault != nil {
		return false, fault
	}
	d.width, d.first = count, d.line
	if d.isHeader() {
		return false, d.readHeader()
	}
	if fault := d.checkWidth(); fault != nil {
		return false, fault
	}
	return true, d.values(count)
}

// checkWidth looks at how many fields the first record has, which is no header, and makes column i feature i.
func (d *csvDecoder) checkWidth() *Error {
	if d.width > len(d.row) {
		return shapeFault(0, "", fmt.Sprintf("record has %s, the model has %s",
			counted(d.width, "field"), counted(len(d.row), "feature")))
	}
	d.inOrder()
	fill(d.row[d.width:])
	return nil
}

// guessComma returns the first separator that splits line into one field per feature, or else a comma.
func (d *csvDecoder) guessComma(line []byte) byte {
	if len(d.row) == 1 {
		return ',' // any byte that is not there would do
	}
	if bytes.IndexByte(line, '"') < 0 && bytes.Count(line, []byte{','})+1 == len(d.row) {
		return ','
	}
	// Tabs may separate missing values, but a line of spaces is more likely to be an empty one.
	isSpaces := strings.TrimLeft(string(line[:min(len(line), len(d.row))]), " ") == ""
	for _, comma := range []byte(commas) {
		if comma == ' ' && isSpaces {
			continue
		}
		if count, fault := d.fields.split(line, comma); fault == nil && count == len(d.row) {
			return comma
		}
	}
	return ','
}

// isHeader decides whether the first record holds names.
func (d *csvDecoder) isHeader() bool {
	switch d.opts.Header {
	case HeaderYes:
		return true
	case HeaderNo:
		return false
	}
	return slices.ContainsFunc(d.fields.kept, func(text []byte) bool {
		_, ok := value(text)
		return !ok
	})
}

// inOrder makes column i feature i.
func (d *csvDecoder) inOrder() {
	d.slots = slices.Grow(d.slots[:0], d.width)[:d.width]
	for i := range d.slots {
		d.slots[i] = i
	}
}

// readHeader takes the names of the columns and, if the model has names, finds the feature of each.
func (d *csvDecoder) readHeader() *Error {
	if d.index == nil {
		if d.width != len(d.row) {
			return shapeFault(0, "", fmt.Sprintf("header has %s, the model has %s and no names",
				counted(d.width, "column"), counted(len(d.row), "feature")))
		}
		d.inOrder()
	} else if fault := d.matchNames(); fault != nil {
		return fault
	} else if !slices.IsSorted(d.slots) {
		d.apart = make([]float32, d.width)
	}
	d.header = make([]string, d.width) // as many as the model has features
	for i, text := range d.fields.kept {
		d.header[i] = string(text[:min(len(text), maxQuoted)]) // for errors only
	}
	return nil
}

// matchNames gives each column its feature. Blanks round a name do not count, as long as that tells the features apart.
func (d *csvDecoder) matchNames() *Error {
	trimmed := make(map[string]int, len(d.index))
	for slot, name := range d.opts.Names {
		key := string(trim([]byte(name)))
		if _, twice := trimmed[key]; twice {
			slot = -1
		}
		trimmed[key] = slot
	}
	for name, slot := range d.index {
		trimmed[name] = slot
	}

	column := make([]int, len(d.row)) // of each feature, from 1
	var unknown []string
	where := 0
	for i, text := range d.fields.kept {
		slot, ok := trimmed[string(text)]
		switch {
		case !ok || slot < 0:
			if where == 0 {
				where = i + 1
			}
			unknown = append(unknown, string(text))
		case column[slot] > 0:
			return shapeFault(i+1, d.opts.Names[slot], fmt.Sprintf("header has this name in column %d too", column[slot]))
		default:
			column[slot] = i + 1
			d.slots = append(d.slots, slot)
		}
	}
	var missing []string
	for slot, name := range d.opts.Names {
		if column[slot] == 0 {
			missing = append(missing, name)
		}
	}
	var faults []string
	if len(unknown) > 0 {
		faults = append(faults, "the model has no feature "+listNames(unknown))
	}
	if len(missing) > 0 {
		faults = append(faults, "the header has no column "+listNames(missing))
	}
	if len(faults) > 0 {
		return shapeFault(where, "", strings.Join(faults, ", and "))
	}
	return nil
}
