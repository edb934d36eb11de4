package awsfake

// trainLocal runs the command's train local over the container's layout; done is false where it found no XGBoost.
func (s *Server) trainLocal(spec *trainingSpec, result *trainingResult) (done bool, err error) {
	return false, nil
}
