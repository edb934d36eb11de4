package features

// The columns of flow-zeek/1: those of flow-portable/1, then what a Zeek conn log alone knows.

// historyColumns are the letters that have a column each.
const historyColumns = "SsHhAaDdFfRrCcGgTtWwIiQq"

var zeekColumns = func() []Column {
	columns := append([]Column(nil), portableColumns...)
	add := func(name, unit, doc string) { columns = append(columns, Column{name, unit, doc}) }
	add("hist_len", "letters", "length of the history")
	add("hist_upper", "letters", "letters of the history that concern the initiator, x excluded")
	add("hist_changes", "changes", "how often the direction changes from letter to letter of the history")
	for _, letter := range historyColumns {
		add("hist_has_"+string(letter), "", "1 if the history has this letter")
	}
	add("hist_flipped", "", "1 if Zeek turned the direction of the connection")
	add("hist_stopped", "", "1 if Zeek stopped to analyse the connection")
	add("fwd_payload", "bytes", "payload of the initiator")
	add("rev_payload", "bytes", "payload of the responder")
	add("missed_bytes", "bytes", "payload that the sensor did not see")
	add("missed_ratio", "", "missed / (missed + fwd_payload + rev_payload), 0 without any")
	add("header_share", "", "1 - (fwd_payload + rev_payload) / (fB + rB), missing without bytes")
	add("local_orig", "", "1 if the initiator is one of the site's own")
	add("local_resp", "", "1 if the responder is one of the site's own")
	return columns
}()

func fillZeek(row []float32, f *Flow) {
	row = row[:106]
	fillPortable(row[:70], f)
	fillHistory(row[70:99], f)
	payload, missed, bytes := nan, nan, nan
	row[99], row[100], row[101] = nan32, nan32, nan32
	if f.Has(FieldFwdPayload) {
		row[99] = round(float64(f.FwdPayload))
	}
	if f.Has(FieldRevPayload) {
		row[100] = round(float64(f.RevPayload))
	}
	if f.Has(FieldFwdPayload | FieldRevPayload) {
		payload = float64(f.FwdPayload) + float64(f.RevPayload)
	}
	if f.Has(FieldMissedBytes) {
		missed = float64(f.MissedBytes)
		row[101] = round(missed)
	}
	if f.Has(FieldFwdBytes | FieldRevBytes) {
		bytes = float64(f.FwdBytes) + float64(f.RevBytes)
	}
	row[102] = round(share(missed, payload))
	row[103] = round(1 - payload/bytes) // no bytes: infinite or NaN, hence missing
	row[104], row[105] = nan32, nan32
	if f.Has(FieldLocalSrc) {
		row[104] = flag(f.LocalSrc)
	}
	if f.Has(FieldLocalDst) {
		row[105] = flag(f.LocalDst)
	}
}

// share is a / (a + b), 0 where both are 0.
func share(a, b float64) float64 {
	if a == 0 && b == 0 {
		return 0
	}
	return a / (a + b)
}

// Bits of the letters in historyBits: i for historyColumns[i], then these.
const (
	historyFlipped = len(historyColumns) + iota
	historyStopped
	historyUpper  // an upper case letter but X
	historyLetter // any letter but x and X
)

// historyBits says of each byte what it means for the columns.
var historyBits = func() (t [256]uint32) {
	for c := byte('A'); c <= 'Z'; c++ {
		t[c], t[c+'a'-'A'] = 1<<historyUpper|1<<historyLetter, 1<<historyLetter
	}
	for i, c := range []byte(historyColumns) {
		t[c] |= 1 << i
	}
	t['^'] = 1 << historyFlipped
	t['x'], t['X'] = 1<<historyStopped, 1<<historyStopped
	return t
}()

// fillHistory writes the 29 columns that the history makes.
func fillHistory(row []float32, f *Flow) {
	row = row[:29]
	if !f.Has(FieldHistory) {
		missing(row)
		return
	}
	var seen, last uint32
	upper, changes := 0, 0
	for _, c := range f.History {
		b := historyBits[c]
		seen |= b
		if b>>historyLetter == 0 {
			continue
		}
		b = b >> historyUpper // 2 for lower case, 3 for upper case
		upper += int(b & 1)
		if last != 0 && last != b {
			changes++
		}
		last = b
	}
	row[0], row[1], row[2] = float32(len(f.History)), float32(upper), float32(changes)
	for i := range row[3:] {
		row[3+i] = float32(seen >> i & 1)
	}
}
