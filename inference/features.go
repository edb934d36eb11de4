package inference

// CheckFeatures reports whether names are the columns of the model, in the same order; the error is a [*FeatureError] that
// says how they differ. A model without names (the legacy binary form never has any) can only be compared in number.
func (p *Predictor) CheckFeatures(names []string) error {
	e := &FeatureError{Position: -1, NumGot: len(names), NumWant: p.numFeature}
	if p.names == nil {
		if len(names) == p.numFeature {
			return nil
		}
		return e
	}
	at := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	for i := range max(len(names), len(p.names)) {
		if got, want := at(names, i), at(p.names, i); got != want || i >= len(names) || i >= len(p.names) {
			e.Position, e.Got, e.Want = i, got, want
			break
		}
	}
	if e.Position < 0 {
		return nil
	}
	e.Missing = without(p.names, names)
	e.Unknown = without(names, p.names)
	return e
}

// without returns the elements of a that b lacks, in order. An element that a has more often is in the result as often.
func without(a, b []string) []string {
	count := make(map[string]int, len(b))
	for _, s := range b {
		count[s]++
	}
	var rest []string
	for _, s := range a {
		if count[s] > 0 {
			count[s]--
			continue
		}
		rest = append(rest, s)
	}
	return rest
}
