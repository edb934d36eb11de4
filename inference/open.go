package inference

import "threatdetect/model"

// Open reads the model at path, as [model.Open] does with default options, and compiles it.
func Open(path string, opts *Options) (*Predictor, error) {
	b, err := model.Open(path, nil)
	if err != nil {
		return nil, err
	}
	return New(b, opts)
}
