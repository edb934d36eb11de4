package main

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"threatdetect/features"
)

// setFlags are the options of a feature set, which go into the contract.
type setFlags struct {
	nets    []string
	weights string
}

func (s *setFlags) add(flags *pflag.FlagSet) {
	flags.StringSliceVar(&s.nets, "local-nets", nil, "networks of the site, such as 10.0.0.0/8,2001:db8::/32, for sets that tell its own hosts from others; without, the log is asked. The contract keeps them")
	flags.StringVar(&s.weights, "beacon-weights", "", "what the scores of intervals, sizes, hours and duration count in beacon_score: four numbers that add up to 1, such as 0.4,0.2,0.2,0.2; without, a quarter each. The contract keeps them")
}

// apply returns the set with the options.
func (s *setFlags) apply(set *features.Set) (*features.Set, error) {
	o := new(features.SetOptions)
	for _, text := range s.nets {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, usagef("--local-nets %q: want networks, such as 10.0.0.0/8,2001:db8::/32", text)
		}
		o.LocalNets = append(o.LocalNets, p)
	}
	if s.weights != "" {
		parts := strings.Split(s.weights, ",")
		var w [4]float64
		for i, text := range parts {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil || len(parts) != len(w) {
				return nil, usagef("--beacon-weights %q: want four numbers that add up to 1, such as 0.4,0.2,0.2,0.2", s.weights)
			}
			w[i] = v
		}
		o.BeaconWeights = &features.BeaconWeights{TS: w[0], DS: w[1], Hist: w[2], Dur: w[3]}
	}
	with, err := set.With(o)
	if err == nil {
		return with, nil
	}
	switch {
	case len(s.nets) == 0:
		return nil, usagef("--beacon-weights: %w", err)
	case s.weights == "":
		return nil, usagef("--local-nets: %w", err)
	}
	return nil, usagef("%w", err)
}

// besideContract refuses options beside a contract, which has them.
func (s *setFlags) besideContract() error {
	switch {
	case len(s.nets) > 0:
		return usagef("--local-nets: the contract says it")
	case s.weights != "":
		return usagef("--beacon-weights: the contract says it")
	}
	return nil
}
