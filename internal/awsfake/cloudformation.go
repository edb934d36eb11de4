package awsfake

type stack struct{}
