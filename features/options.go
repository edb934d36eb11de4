package features

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// ErrOptions says that options of a set are wrong, or that none of its columns depends on them.
var ErrOptions = errors.New("options of a feature set")

// SetOptions are what columns depend on besides flows. A contract has them, so that training and scoring cannot part here. The zero value
// is what a set is without any.
type SetOptions struct {
	// LocalNets are the networks of the site, in any order. With them an address is one of the site's own if it lies in one, whatever the
	// log says; without, if the log says so.
	LocalNets []netip.Prefix `json:"local_nets,omitempty"`
	// BeaconWeights are the parts that the four scores have in beacon_score; nil is a quarter each.
	BeaconWeights *BeaconWeights `json:"beacon_weights,omitempty"`
}

// BeaconWeights are the parts of the scores of the intervals, of the sizes, of the hours, and of how long it goes on. Each is from 0 to 1, and
// they add up to 1, to 1e-9.
type BeaconWeights struct {
	TS   float64 `json:"ts"`
	DS   float64 `json:"ds"`
	Hist float64 `json:"hist"`
	Dur  float64 `json:"dur"`
}

var evenWeights = BeaconWeights{0.25, 0.25, 0.25, 0.25}

// Check reports what is wrong with the weights, with ErrOptions.
func (w BeaconWeights) Check() error {
	for _, v := range []float64{w.TS, w.DS, w.Hist, w.Dur} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%w: a beacon weight of %v, want 0 to 1", ErrOptions, v)
		}
	}
	if sum := w.TS + w.DS + w.Hist + w.Dur; math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("%w: beacon weights that add up to %v, want 1", ErrOptions, sum)
	}
	return nil
}

// optionsOf is which options the columns of a set depend on.
type optionsOf uint8

const (
	takesNets optionsOf = 1 << iota
	takesWeights
)

// settings are options in the form in which they are used.
type settings struct {
	options *SetOptions // nil without any
	site    site
	weights BeaconWeights
}

var noSettings = &settings{weights: evenWeights}

// With returns the set with the options in place of those it had; nil stands for none. It fails with ErrOptions. The options are copied.
func (s *Set) With(o *SetOptions) (*Set, error) {
	with := *s
	with.settings = noSettings
	if o == nil || len(o.LocalNets) == 0 && o.BeaconWeights == nil {
		return &with, nil
	}
	with.settings = &settings{options: new(SetOptions), weights: evenWeights}
	if len(o.LocalNets) > 0 {
		if s.takes&takesNets == 0 {
			return nil, s.noColumn("the networks of the site", takesNets)
		}
		nets, err := canonicalNets(o.LocalNets)
		if err != nil {
			return nil, err
		}
		with.settings.options.LocalNets, with.settings.site = nets, newSite(nets)
	}
	if o.BeaconWeights != nil {
		if s.takes&takesWeights == 0 {
			return nil, s.noColumn("beacon weights", takesWeights)
		}
		w := *o.BeaconWeights
		if err := w.Check(); err != nil {
			return nil, err
		}
		with.settings.options.BeaconWeights, with.settings.weights = &w, w
	}
	return &with, nil
}

// Options returns those that the set was given; nil without any. Treat them as read-only.
func (s *Set) Options() *SetOptions { return s.set().options }

func (s *Set) set() *settings {
	if s.settings == nil {
		return noSettings
	}
	return s.settings
}

func (s *Set) noColumn(what string, takes optionsOf) error {
	var names []string
	for _, other := range sets {
		if other.takes&takes != 0 {
			names = append(names, other.Name)
		}
	}
	return fmt.Errorf("%w: no column of set %s depends on %s; they are for %s", ErrOptions, s.Name, what, strings.Join(names, ", "))
}

// mappedZero is the first IPv4 address as IPv6 has it.
var mappedZero = netip.MustParseAddr("::ffff:0.0.0.0")

// canonicalNets checks networks and puts them in order, each once.
func canonicalNets(nets []netip.Prefix) ([]netip.Prefix, error) {
	nets = slices.Clone(nets)
	for _, p := range nets {
		switch {
		case !p.IsValid():
			return nil, fmt.Errorf("%w: a network that is none, want one such as 10.0.0.0/8", ErrOptions)
		case p.Addr().Is4In6():
			return nil, fmt.Errorf("%w: network %v: want the IPv4 form", ErrOptions, p)
		case p.Contains(mappedZero):
			return nil, fmt.Errorf("%w: network %v has all of IPv4 in it", ErrOptions, p)
		case p != p.Masked():
			return nil, fmt.Errorf("%w: network %v has bits of a host, want %v", ErrOptions, p, p.Masked())
		}
	}
	slices.SortFunc(nets, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	return slices.Compact(nets), nil
}

// maxOptionsText bounds what a state says of options, in bytes.
const maxOptionsText = 1024

// text is the options as a saved state has them; empty without any.
func (s *settings) text() string {
	if s.options == nil {
		return ""
	}
	b, _ := json.Marshal(s.options) // which are finite numbers and valid networks
	if len(b) > maxOptionsText {
		return fmt.Sprintf("sha256:%x", sha256.Sum256(b))
	}
	return string(b)
}
