package trafficgen

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Defaults and limits of Config.
const (
	DefaultAttackShare = 0.2
	MaxAttackShare     = 0.9
	MinHosts           = 16
	MaxHosts           = 5000
)

// DefaultStart is the start of a working day, so that short logs show an office.
var DefaultStart = time.Date(2024, time.March, 4, 7, 0, 0, 0, time.UTC)

// ErrConfig is wrapped by every error about a value in Config or WriterOptions.
var ErrConfig = errors.New("invalid configuration")

// Config says what to simulate. Records or Span must be set.
type Config struct {
	Seed uint64

	// Records ends the log after exactly so many records. 0 means no limit.
	Records int64

	// Span is the simulated time in which new connections start. Without
	// Records the log holds every connection that started within it. With
	// Records the activity is scaled so that about so many records fall into
	// it, and Records decides the end. 0 means as long as Records need.
	Span time.Duration

	// Start is the time of the first activity; zero means DefaultStart. The
	// site lives by UTC. A start in 1970 gives timestamps relative to zero.
	Start time.Time

	// Hosts is the number of machines at the site, MinHosts to MaxHosts. 0 lets
	// it grow with the square root of Records, or is 100 without Records.
	Hosts int

	// AttackShare is the share of attack records to aim at, up to
	// MaxAttackShare. 0 means DefaultAttackShare.
	AttackShare float64

	// NoAttacks leaves only benign traffic.
	NoAttacks bool

	// Attacks are the kinds of attacks to simulate; nil means all. With 2,000
	// records or more every one of them occurs.
	Attacks []Kind
}

// resolve checks cfg and fills in the defaults.
func (cfg Config) resolve() (Config, error) {
	fail := func(format string, args ...any) (Config, error) {
		return cfg, fmt.Errorf("trafficgen: %w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	if cfg.Start.IsZero() {
		cfg.Start = DefaultStart
	}
	switch {
	case cfg.Records < 0:
		return fail("records %d is negative", cfg.Records)
	case cfg.Span < 0:
		return fail("span %v is negative", cfg.Span)
	case cfg.Records == 0 && cfg.Span == 0:
		return fail("neither records nor span is set")
	case cfg.Span > 0 && cfg.Span < time.Second:
		return fail("span %v is shorter than a second", cfg.Span)
	case cfg.Start.Unix() < 0 || cfg.Start.Year() > 2199:
		return fail("start %v is outside the years 1970 to 2199", cfg.Start)
	}
	if cfg.Hosts == 0 {
		cfg.Hosts = 100
		if cfg.Records > 0 {
			n := int(math.Sqrt(float64(cfg.Records) / 5))
			cfg.Hosts = min(max(n, 20), 500)
		}
	}
	if cfg.Hosts < MinHosts || cfg.Hosts > MaxHosts {
		return fail("hosts %d is outside %d to %d", cfg.Hosts, MinHosts, MaxHosts)
	}
	if cfg.AttackShare == 0 {
		cfg.AttackShare = DefaultAttackShare
	}
	if !(cfg.AttackShare > 0 && cfg.AttackShare <= MaxAttackShare) {
		return fail("attack share %v is outside 0 to %v", cfg.AttackShare, MaxAttackShare)
	}
	if cfg.Attacks == nil {
		cfg.Attacks = Attacks()
	}
	if len(cfg.Attacks) == 0 && !cfg.NoAttacks {
		return fail("the list of attacks is empty")
	}
	seen := [numKinds]bool{}
	for _, k := range cfg.Attacks {
		if !k.Malicious() {
			return fail("%v is not an attack", k)
		}
		if seen[k] {
			return fail("attack %v is named twice", k)
		}
		seen[k] = true
	}
	cfg.Attacks = append([]Kind(nil), cfg.Attacks...)
	return cfg, nil
}
