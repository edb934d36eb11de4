package inference

// Session scores rows in the goroutine that calls it, with memory of its own: it neither starts goroutines nor waits for others, and
// allocates nothing after the first call of each kind, whatever the garbage collector does meanwhile. A program that has its own workers gives
// one to each. The bits are those of the Predictor.
//
// A Session is for one goroutine at a time; any number of them may share a Predictor.
type Session struct {
	p *Predictor
	s *scratch
}

// NewSession returns a session of p.
func (p *Predictor) NewSession() *Session { return &Session{p, p.newScratch()} }

// Predict is [Predictor.Predict].
func (s *Session) Predict(dst, row []float32) error {
	if err := s.p.checkRow(dst, row); err != nil {
		return err
	}
	s.p.scoreRow(dst, row, s.s)
	return nil
}

// PredictBatch is [Predictor.PredictBatch].
func (s *Session) PredictBatch(dst, rows []float32) error {
	in, err := s.p.batch("PredictBatch", dst, rows, nil)
	return s.score(dst, &in, err)
}

// PredictMatrix is [Predictor.PredictMatrix].
func (s *Session) PredictMatrix(dst []float32, m Matrix) error {
	in, err := s.p.matrix("PredictMatrix", dst, m)
	return s.score(dst, &in, err)
}

// PredictCSR is [Predictor.PredictCSR].
func (s *Session) PredictCSR(dst []float32, x CSR) error {
	in, err := s.p.csr("PredictCSR", dst, &x)
	return s.score(dst, &in, err)
}

func (s *Session) score(dst []float32, in *input, err error) error {
	if err == nil {
		s.p.score(dst, in, 0, in.n, s.s)
	}
	return err
}
