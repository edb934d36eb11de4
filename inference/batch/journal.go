package batch

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"unicode/utf8"

	"threatdetect/features"
	"threatdetect/features/auto"
)

// What a job keeps beside its outputs. Every name has "journal" in it.
const (
	journalName  = "threatdetect.journal"
	lockName     = "threatdetect.journal.lock"
	statePrefix  = "threatdetect.journal.state-"
	partialEnd   = ".journal-part"   // of an output that is not whole
	convertedEnd = ".journal-whole"  // of one that is, and has no name yet
	rejectsEnd   = ".rejects.ndjson" // of the file of skipped records
)

// journalVersion changes with the layout of the journal, with where pieces of logs end, and whenever the same inputs would give other outputs.
const journalVersion = 3

// config is what outputs depend on besides the inputs. It is the first record of a journal.
type config struct {
	Version   int      `json:"version"`
	Model     string   `json:"model"`
	Contract  string   `json:"contract"` // a hash
	Threshold float32  `json:"threshold"`
	Explain   int      `json:"explain"`
	To        string   `json:"to"`
	All       bool     `json:"all"`
	From      string   `json:"from"`
	Fields    []string `json:"fields,omitempty"`
	Pointer   string   `json:"pointer,omitempty"`
	Budget    int      `json:"memory,omitempty"` // of a set that remembers flows
}

// diff names what differs.
func (c *config) diff(was *config) string {
	fields := []struct {
		what     string
		was, now any
	}{
		{"version of the journal", was.Version, c.Version}, {"model", was.Model, c.Model}, {"contract", was.Contract, c.Contract},
		{"threshold", was.Threshold, c.Threshold}, {"number of reasons", was.Explain, c.Explain}, {"output format", was.To, c.To},
		{"choice of all flows", was.All, c.All}, {"log format", cmp.Or(was.From, "auto"), cmp.Or(c.From, "auto")}, {"fields", fmt.Sprint(was.Fields), fmt.Sprint(c.Fields)},
		{"pointer", was.Pointer, c.Pointer}, {"memory", was.Budget, c.Budget},
	}
	for _, f := range fields {
		if f.was != f.now {
			return fmt.Sprintf("the %s was %v, and is %v now", f.what, f.was, f.now)
		}
	}
	return ""
}

// commit is one record: the logs that changed since the one before.
type commit struct {
	Files []*progress `json:"files"`
	// State is the name of the file that holds what a set remembers, and Held which logs the flows in it are of that wait.
	State string `json:"state,omitempty"`
	Held  []held `json:"held,omitempty"`
}

// held are so many flows of a log, one after the other.
type held struct {
	Key text  `json:"key"`
	N   int64 `json:"n"`
}

// progress is how far a log and its outputs are.
type progress struct {
	Key   text     `json:"key"`
	Input identity `json:"input"`
	At    place    `json:"at"`              // in the log
	Plain bool     `json:"plain,omitempty"` // At.Offset is a place in the file
	Steps int64    `json:"steps"`           // flows and record errors that were read, of a log that cannot be split
	Read  bool     `json:"read"`            // the log was read to its end

	Out     extent      `json:"out"`
	Rejects extent      `json:"rejects"`
	Account account     `json:"account"`
	Format  auto.Format `json:"format,omitempty"`
	Done    bool        `json:"done,omitempty"`   // the outputs are whole
	Failed  string      `json:"failed,omitempty"` // why the log has no outputs
}

// text is a string of any bytes, such as the name of a file. What is no UTF-8 is written as a list with its base64, as JSON would change it.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal([][]byte{[]byte(t)})
}

func (t *text) UnmarshalJSON(b []byte) error {
	if !bytes.HasPrefix(b, []byte{'['}) {
		return json.Unmarshal(b, (*string)(t))
	}
	var list [1][]byte
	err := json.Unmarshal(b, &list)
	*t = text(list[0])
	return err
}

// place is an auto.Position, whose header is of a log, and so of any bytes.
type place auto.Position

type placeJSON struct {
	Offset, Line int64
	Header       text
	FromStart    bool
}

func (p place) MarshalJSON() ([]byte, error) {
	return json.Marshal(placeJSON{p.Offset, p.Line, text(p.Header), p.FromStart})
}

func (p *place) UnmarshalJSON(b []byte) error {
	var j placeJSON
	err := json.Unmarshal(b, &j)
	*p = place{Offset: j.Offset, Line: j.Line, Header: string(j.Header), FromStart: j.FromStart}
	return err
}

// extent is how long a partial file is, and the digest of what the last unit added to it.
type extent struct {
	Length int64  `json:"length"`
	From   int64  `json:"from"` // where the last unit began
	Digest string `json:"digest,omitempty"`
}

// account is a features.Account with the rows in the output.
type account struct {
	Records int64                     `json:"records"`
	Flows   int64                     `json:"flows"`
	Rows    int64                     `json:"rows"`
	Threats int64                     `json:"threats"`
	Written int64                     `json:"written"` // lines of the output
	Rejects int64                     `json:"rejects"` // lines of the file of skipped records
	Skipped map[features.Reason]int64 `json:"skipped,omitempty"`
}

func (a *account) add(b *account) {
	a.Records += b.Records
	a.Flows += b.Flows
	a.Rows += b.Rows
	a.Threats += b.Threats
	a.Written += b.Written
	a.Rejects += b.Rejects
	a.skip(b.Skipped)
}

// addRead adds what was read; what became of it is not in there.
func (a *account) addRead(b *features.Account) {
	a.Records += b.Records
	a.Flows += b.Flows
	a.skip(b.Skipped)
}

func (a *account) skip(skipped map[features.Reason]int64) {
	for reason, n := range skipped {
		if a.Skipped == nil {
			a.Skipped = map[features.Reason]int64{}
		}
		a.Skipped[reason] += n
	}
}

func (a *account) public() features.Account {
	return features.Account{Records: a.Records, Flows: a.Flows, Rows: a.Rows, Threats: a.Threats, Skipped: a.Skipped}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends a line of a journal.
func appendRecord(b []byte, record any) ([]byte, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	b = fmt.Appendf(b, "%08x %d ", crc32.Checksum(text, castagnoli), len(text))
	b = append(b, text...)
	return append(b, '\n'), nil
}

// nextRecord takes a line off a journal. ok is false where there is none that is whole.
func nextRecord(b []byte) (text, rest []byte, ok bool) {
	sum, tail, ok1 := bytes.Cut(b, []byte{' '})
	length, tail, ok2 := bytes.Cut(tail, []byte{' '})
	if !ok1 || !ok2 || len(sum) != 8 || len(length) > 12 {
		return nil, b, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	n, err2 := strconv.ParseInt(string(length), 10, 64)
	if err != nil || err2 != nil || n < 0 || n >= int64(len(tail)) || tail[n] != '\n' || crc32.Checksum(tail[:n], castagnoli) != uint32(want) {
		return nil, b, false
	}
	return tail[:n], tail[n+1:], true
}

// journal is a journal that is open for more.
type journal struct {
	disk disk
	name string
	f    file
}

// readJournal reads a journal up to the first record that is damaged, and says how long that part is. A nil config tells that there
// is none: no file, or an empty one.
func readJournal(d disk, dir string) (c *config, commits []*commit, length int64, err error) {
	name := filepath.Join(dir, journalName)
	if ok, err := d.Exists(name); err != nil || !ok {
		return nil, nil, 0, err
	}
	b, err := readFile(d, name)
	if err != nil || len(b) == 0 {
		return nil, nil, 0, err
	}
	text, rest, ok := nextRecord(b)
	c = new(config)
	if !ok || json.Unmarshal(text, c) != nil {
		return nil, nil, 0, &FileError{"read journal", name, fmt.Errorf("%w: its first record is damaged; --restart begins anew", ErrJournal)}
	}
	if c.Version != journalVersion {
		return c, nil, 0, nil
	}
	for {
		length = int64(len(b) - len(rest))
		if text, rest, ok = nextRecord(rest); !ok {
			return c, commits, length, nil
		}
		r := new(commit)
		if json.Unmarshal(text, r) != nil {
			return c, commits, length, nil
		}
		commits = append(commits, r)
	}
}

// openJournal opens a journal for more records behind its first length bytes, or makes one.
func openJournal(d disk, dir string, c *config, length int64) (*journal, error) {
	j := &journal{disk: d, name: filepath.Join(dir, journalName)}
	fail := func(err error) (*journal, error) {
		if j.f != nil {
			j.f.Close()
		}
		return nil, &FileError{"write journal", j.name, bare(err)}
	}
	if length == 0 {
		first, err := appendRecord(nil, c)
		if err == nil {
			err = writeFile(d, j.name, first)
		}
		if err != nil {
			return fail(err)
		}
		length = int64(len(first))
	}
	var err error
	if j.f, err = d.OpenFile(j.name); err != nil {
		return fail(err)
	}
	size, err := j.f.Size()
	if err != nil {
		return fail(err)
	}
	if size < length {
		return fail(ErrJournal)
	}
	if err := j.f.Cut(length); err != nil {
		return fail(err)
	}
	if size > length {
		if err := j.f.Sync(); err != nil {
			return fail(err)
		}
	}
	return j, nil
}

// append makes a commit durable.
func (j *journal) append(c *commit) error {
	b, err := appendRecord(nil, c)
	if err == nil {
		_, err = j.f.Write(b)
	}
	if err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		return &FileError{"write journal", j.name, bare(err)}
	}
	return nil
}

func (j *journal) close() error {
	if err := j.f.Close(); err != nil {
		return &FileError{"write journal", j.name, bare(err)}
	}
	return nil
}
