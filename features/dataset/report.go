package dataset

// Report is what was found in the data. Shares are in [0, 1].
type Report struct {
	Set        string `json:"set"`
	Benign     int64  `json:"benign"`
	Attacks    int64  `json:"attacks"`
	Unlabelled int64  `json:"unlabelled"` // flows whose nature nobody knows: they are in no part
	// LabelsUnused is how many labels of a file of labels met no flow.
	LabelsUnused int64 `json:"labels_unused"`

	Split      *Plan        `json:"split"`
	SplitWords string       `json:"split_words"`
	Parts      []PartReport `json:"parts"`
	Classes    []string     `json:"classes,omitempty"` // by label, where each kind of attack is a class
	Kinds      []KindReport `json:"kinds"`             // attacks by kind, those with most flows first
	Duplicates Duplicates   `json:"duplicates"`
	Findings   []Finding    `json:"findings"` // the gravest first
	Columns    []Column     `json:"columns"`  // in the order of the rows
}

// PartReport is the account of one part.
type PartReport struct {
	Part    string `json:"part"`
	Rows    int64  `json:"rows"`
	Benign  int64  `json:"benign"`
	Attacks int64  `json:"attacks"`
	From    string `json:"from"` // RFC 3339; when its first and its last flow began, empty if they do not say
	To      string `json:"to"`
}

// KindReport is how often a kind of attack occurs in each part.
type KindReport struct {
	Kind       string `json:"kind"`
	Train      int64  `json:"train"`
	Validation int64  `json:"validation"`
	Test       int64  `json:"test"`
}

// Duplicates says how often rows repeat. Rows are equal if all their columns are.
type Duplicates struct {
	Rows     int64 `json:"rows"`
	Distinct int64 `json:"distinct"`
	// Repeated is the share of rows that are equal to an earlier one.
	Repeated float64 `json:"repeated"`
	// TestInTrain and ValidationInTrain are the shares of their rows that are equal to a training row.
	TestInTrain       float64 `json:"test_in_train"`
	ValidationInTrain float64 `json:"validation_in_train"`
	// BothLabels counts different rows that occur as benign and as attack: no model can tell them apart.
	BothLabels int64 `json:"both_labels"`
	// Sample is the share of different rows, chosen by hash, that the figures were found on; 1 is all.
	Sample float64 `json:"sample"`
}

// Column is what one column alone has to say.
type Column struct {
	Name     string  `json:"name"`
	Missing  float64 `json:"missing"`  // share of rows
	Distinct int64   `json:"distinct"` // different values, missing not counted; estimated where there are thousands
	// AUC is how well a table of this column alone, made of the training rows, ranks the others: 0.5 is chance, 1 is
	// perfect. Null if that cannot be measured.
	AUC *float64 `json:"auc"`
	// Value is the single value that tells most about the class, if it occurs in one class only (0.1 % are
	// forgiven), and Settles the share of that class that has it.
	Value   *float32 `json:"value"` // null is missing, if Settles is not 0
	Class   string   `json:"class"`
	Settles float64  `json:"settles"`
}

// Severity is how grave a finding is.
type Severity string

// The severities.
const (
	Alarm   Severity = "alarm"   // figures measured with this are likely to be worthless
	Warning Severity = "warning" // look at it
	Note    Severity = "note"    // good to know
)

// The kinds of findings.
const (
	FindSeparates  = "separates"  // a column alone tells the classes apart
	FindCode       = "code"       // a column of few values tells a lot: a code of something
	FindConstant   = "constant"   // a column with one value
	FindID         = "id"         // a column that names rows
	FindOrder      = "order"      // a column that rises or falls with the order of the rows
	FindMissing    = "missing"    // a column without any value
	FindKnown      = "known"      // a column that is known to be a shortcut in this data set
	FindDuplicates = "duplicates" // rows that are in training and in the other parts
	FindConflict   = "conflict"   // equal rows with both labels
	FindClasses    = "classes"    // a part without one of the classes, or with a very different share
	FindHosts      = "hosts"      // all attacks come from a few hosts
	FindKinds      = "kinds"      // kinds of attack that occur in some parts only
	FindRandom     = "random"     // a split that measures too well
)

// Finding is something that a person should look at before the model is believed.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     string   `json:"kind"`
	Columns  []string `json:"columns"` // that it is about; empty if it is about the data as a whole
	Text     string   `json:"text"`    // one line, printable
}
