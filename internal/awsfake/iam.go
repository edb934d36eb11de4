package awsfake

// checkRole holds a role's address and trust against who is to take it.
func (s *Server) checkRole(roleARN, principal, region string) *apiError { return nil }

// checkAccess holds the policies of a job's role against what the job needs.
func (s *Server) checkAccess(in doc, region string) *apiError { return nil }
