package trafficgen

import "net/netip"

// role is what a host of the site is there for.
type role uint8

const (
	workstation role = iota
	printer
	device // camera, sensor, panel
	resolver
	mailServer
	fileServer
	directory
	webServer
	shellServer
	backupServer
	watcher // the monitoring server
	numRoles
)

// host is a machine of the site.
type host struct {
	id     int
	role   role
	v4     netip.Addr
	v6     netip.Addr // not valid when the host has IPv4 only
	stamps bool       // sends TCP timestamps (12 bytes of options in every segment)
	admin  bool       // a workstation of an administrator
	vendor int        // whose cloud it reports to
	period int64      // of its reports, microseconds
}

// site is the network: its hosts, and the Internet around it.
type site struct {
	seed   uint64
	net4   [2]byte // the first two bytes of the IPv4 network
	net6   [6]byte // the first six bytes of the IPv6 network
	hosts  []host
	byRole [numRoles][]*host
	byAddr map[netip.Addr]*host // IPv4
}

// Popularity and address plan of the Internet. Peers are computed from their
// rank when needed, never stored.
const (
	numSites   = 6000 // services that users visit
	numVendors = 40   // clouds that devices report to
	numHostile = 400  // addresses that attack, or that serve attackers
)

func newSite(seed uint64, n int) *site {
	rnd := newStream(seed, 0)
	s := &site{seed: mix(seed)}
	s.net4 = [2]byte{10, byte(rnd.between(1, 250))}
	s.net6 = [6]byte{0x20, 0x01, 0x0d, 0xb8, byte(rnd.u64()), byte(rnd.u64())}

	roles := []role{
		resolver, mailServer, fileServer, directory, webServer, shellServer,
		backupServer, watcher, printer, device, device,
	}
	for i := len(roles); i < n; i++ {
		switch u := rnd.float(); {
		case u < 0.76:
			roles = append(roles, workstation)
		case u < 0.93:
			roles = append(roles, device)
		case u < 0.965:
			roles = append(roles, printer)
		default:
			roles = append(roles, [...]role{webServer, shellServer, fileServer}[rnd.below(3)])
		}
	}
	roles[n-1], roles[n-2] = workstation, workstation

	s.hosts = make([]host, n)
	var count [numRoles]int
	servers := 0
	for i, r := range roles {
		h := &s.hosts[i]
		h.id, h.role = i, r
		k := count[r]
		count[r]++
		var net byte
		switch r {
		case workstation:
			net = 16
		case printer:
			net = 8
		case device:
			net = 128
		default:
			net = 1
			k = servers
			servers++
		}
		h.v4 = s.addr4(net+byte(k/240), byte(10+k%240))
		h.stamps = r != workstation || rnd.chance(0.3)
		if r != printer && (r != device || rnd.chance(0.2)) && rnd.chance(0.7) {
			h.v6 = s.addr6(net, uint64(mix(seed+uint64(i))))
		}
		h.admin = r == workstation && (k == 0 || rnd.chance(0.08))
		h.vendor = rnd.rank(numVendors)
		h.period = rnd.size(curve{{0, 30e6}, {0.3, 120e6}, {0.7, 600e6}, {1, 3600e6}})
	}
	s.byAddr = make(map[netip.Addr]*host, n)
	for i := range s.hosts {
		h := &s.hosts[i]
		s.byAddr[h.v4] = h
		s.byRole[h.role] = append(s.byRole[h.role], h)
	}
	return s
}

// addr4 returns an IPv4 address of the site, in use or not.
func (s *site) addr4(c, d byte) netip.Addr {
	return netip.AddrFrom4([4]byte{s.net4[0], s.net4[1], c, d})
}

// addr6 returns an IPv6 address of the site.
func (s *site) addr6(net byte, id uint64) netip.Addr {
	var a [16]byte
	copy(a[:], s.net6[:])
	a[7] = net
	for i := range 8 {
		a[8+i] = byte(id >> (56 - 8*i))
	}
	return netip.AddrFrom16(a)
}

// local reports whether a belongs to the site, as its sensor is configured: its
// networks, its wires, and the addresses that mean "this host" and "all hosts".
func (s *site) local(a netip.Addr) bool {
	if a.Is4() {
		b := a.As4()
		return b[0] == s.net4[0] && b[1] == s.net4[1] || b == [4]byte{} || b == [4]byte{255, 255, 255, 255}
	}
	b := a.As16()
	return [6]byte(b[:6]) == s.net6 || b[0] == 0xfe && b[1] == 0x80
}

// at returns the host at a local IPv4 address, or nil where none is.
func (s *site) at(a netip.Addr) *host { return s.byAddr[a] }

// one returns a host of the role; lower ones are busier.
func (s *site) one(rnd stream, r role) *host {
	list := s.byRole[r]
	return list[rnd.rank(len(list))]
}

// any returns a host of the role, all equally likely.
func (s *site) any(rnd stream, r role) *host {
	list := s.byRole[r]
	return list[rnd.below(len(list))]
}

// besides returns another host, of the same role if there is one.
func (s *site) besides(h *host) *host {
	for i, x := range s.byRole[h.role] {
		if x != h {
			continue
		}
		if x = s.byRole[h.role][(i+1)%len(s.byRole[h.role])]; x != h {
			return x
		}
	}
	return &s.hosts[(h.id+1)%len(s.hosts)]
}

// peer is a host of the Internet.
type peer struct {
	id     uint64
	v4     netip.Addr
	v6     netip.Addr // not valid without IPv6
	rtt    int64      // microseconds
	stamps bool
	quic   bool
	plain  bool    // serves http without tls
	health float64 // chance that a connection attempt works
}

var rttCurve = curve{{0, 2_000}, {0.3, 9_000}, {0.7, 32_000}, {0.93, 130_000}, {1, 320_000}}

// peer returns the host number n of a service. The class keeps the services of
// different trades apart.
func (s *site) peer(class, service, n int) peer {
	id := mix(s.seed ^ uint64(class)<<48 ^ uint64(service)<<16 ^ uint64(n))
	common := mix(s.seed ^ uint64(class)<<48 ^ uint64(service)<<16 ^ 0xffff)
	p := peer{
		id:     id,
		v4:     outside4(id),
		rtt:    int64(rttCurve.at(unit(mix(common + 1)))),
		stamps: common&3 != 0,
		quic:   common>>2&3 == 0,
		plain:  common>>4&15 == 0,
		health: 0.995,
	}
	if common>>8&1 == 0 {
		p.v6 = outside6(id)
	}
	switch u := unit(mix(common + 2)); {
	case u < 0.01:
		p.health = 0.1
	case u < 0.04:
		p.health = 0.8
	}
	return p
}

const (
	classWeb = iota
	classVendor
	classHostile
	classNTP
	classMail
	classCall
	classRoot
)

// outside4 spreads h over 198.18.0.0/15, the range reserved for benchmarks, and
// partly over the two networks reserved for documentation.
func outside4(h uint64) netip.Addr {
	if h>>40&31 == 0 {
		if h>>50&1 == 0 {
			return netip.AddrFrom4([4]byte{203, 0, 113, byte(1 + h%254)})
		}
		return netip.AddrFrom4([4]byte{198, 51, 100, byte(1 + h%254)})
	}
	return netip.AddrFrom4([4]byte{198, 18 + byte(h>>16&1), byte(h >> 8), byte(1 + h%254)})
}

// outside6 spreads h over 3fff::/20, reserved for documentation.
func outside6(h uint64) netip.Addr {
	g := mix(h)
	return netip.AddrFrom16([16]byte{
		0x3f, 0xff, byte(h >> 60), byte(h >> 52), byte(h >> 44), byte(h >> 36),
		0, byte(h >> 28), 0, 0, 0, 0, 0, byte(g >> 16), byte(g >> 8), byte(g),
	})
}
