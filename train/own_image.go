package train

// OwnImage is the URI of this program's own image: that of the stack, or threatdetect:latest of the account's registry.
func (s *Stack) OwnImage(account string) string {
	if s.Image.Own != "" {
		return s.Image.Own
	}
	return account + ".dkr.ecr." + s.Region + "." + dnsSuffix(s.Region) + "/threatdetect:latest"
}
