package trafficgen

// habit is something hosts of some roles do again and again.
type habit struct {
	kind    Kind
	roles   []role
	every   int64 // mean interval per host at full activity, microseconds; 0: the host's own period
	rhythm  rhythm
	regular bool    // on a fixed period with a little jitter, not at random
	admins  bool    // only administrators
	flows   float64 // mean flows of one act, measured over a week; for planning only
	act     func(m *maker, h *host, at int64)
}

var servers = []role{resolver, mailServer, fileServer, directory, webServer, shellServer, backupServer, watcher}

// allHosts has every role.
var allHosts = append([]role{workstation, printer, device}, servers...)

// habits is the daily life of the site. The order is part of the output.
var habits = []habit{
	{kind: Web, roles: []role{workstation}, every: 240 * second, rhythm: office, flows: 5.2, act: (*maker).visit},
	{kind: Web, roles: []role{workstation}, every: 3 * hour, rhythm: office, flows: 4.4, act: (*maker).upload},
	{kind: Web, roles: []role{webServer}, every: 3 * minute, rhythm: office, flows: 3.55, act: (*maker).visitor},
	{kind: Mail, roles: []role{workstation}, every: 8 * minute, rhythm: office, flows: 1, act: (*maker).readMail},
	{kind: Mail, roles: []role{workstation}, every: 45 * minute, rhythm: office, flows: 1, act: (*maker).sendMail},
	{kind: Mail, roles: []role{mailServer}, every: 4 * minute, rhythm: office, flows: 1.7, act: (*maker).relayMail},
	{kind: FileShare, roles: []role{workstation}, every: 15 * minute, rhythm: office, flows: 1, act: (*maker).share},
	{kind: Directory, roles: []role{workstation}, every: 25 * minute, rhythm: office, flows: 2.5, act: (*maker).logon},
	{kind: Admin, roles: []role{workstation}, every: 30 * minute, rhythm: office, admins: true, flows: 1.1, act: (*maker).administer},
	{kind: Admin, roles: []role{shellServer}, every: 90 * minute, rhythm: always, flows: 5.3, act: (*maker).automate},
	{kind: Print, roles: []role{workstation}, every: 2 * hour, rhythm: office, flows: 1.5, act: (*maker).print},
	{kind: Call, roles: []role{workstation}, every: 150 * minute, rhythm: office, flows: 4, act: (*maker).call},
	{kind: Backup, roles: servers, every: 3 * hour, rhythm: nights, flows: 0.95, act: (*maker).backup},
	{kind: Backup, roles: []role{workstation}, every: 12 * hour, rhythm: nights, flows: 1, act: (*maker).backup},
	{kind: Backup, roles: []role{backupServer}, every: 5 * hour, rhythm: nights, flows: 5.5, act: (*maker).offsite},
	{kind: Update, roles: []role{workstation, fileServer, webServer, shellServer}, every: 6 * hour, rhythm: always, flows: 4.2, act: (*maker).update},
	{kind: Telemetry, roles: []role{device}, rhythm: always, regular: true, flows: 1.4, act: (*maker).report},
	{kind: Telemetry, roles: []role{device, printer}, every: 8 * hour, rhythm: always, flows: 2.9, act: (*maker).channel},
	{kind: Telemetry, roles: []role{workstation}, every: 40 * minute, rhythm: office, flows: 1.4, act: (*maker).report},
	{kind: NTP, roles: allHosts, every: 34 * minute, rhythm: always, regular: true, flows: 1, act: (*maker).clock},
	{kind: DHCP, roles: []role{workstation, printer, device}, every: 4 * hour, rhythm: always, regular: true, flows: 1.25, act: (*maker).lease},
	{kind: Ping, roles: []role{workstation, shellServer}, every: 2 * hour, rhythm: office, flows: 1, act: (*maker).ping},
	{kind: Monitor, roles: []role{watcher}, every: 90 * second, rhythm: always, regular: true, flows: 2, act: (*maker).check},
	{kind: Monitor, roles: []role{watcher}, every: 5 * hour, rhythm: always, flows: 140, act: (*maker).sweep},
	{kind: Discovery, roles: []role{workstation, printer, device}, every: 30 * minute, rhythm: always, flows: 1, act: (*maker).announce},
	{kind: Tunnel, roles: []role{shellServer}, every: 3 * hour, rhythm: always, flows: 3, act: (*maker).tunnel},
	{kind: Stray, roles: allHosts, every: 80 * minute, rhythm: always, flows: 1, act: (*maker).stray},
	{kind: DNS, roles: servers, every: 5 * minute, rhythm: always, flows: 1.9, act: (*maker).serverLookup},
}

// interval is the mean interval of the habit for one host, microseconds.
func (h *habit) interval(of *host) int64 {
	if h.every == 0 {
		return of.period
	}
	return h.every
}

// routine is a habit of one host.
type routine struct {
	habit *habit
	host  *host
	due   bool // the next turn is for acting, not only for waiting anew
}

// longestWait bounds a random wait, so that a change of the rhythm is noticed.
// Waiting anew is correct because the exponential distribution has no memory.
const longestWait = 10 * minute

func (a *routine) act(g *Generator, now int64) int64 {
	m := &g.benign
	if a.due {
		a.habit.act(m, a.host, now)
	}
	every := a.every(g)
	if a.habit.regular {
		a.due = true
		return now + max(m.rnd.jitter(every, 0.05), 1)
	}
	wait := m.rnd.wait(int64(float64(every) / a.habit.rhythm.at(now)))
	a.due = wait <= longestWait
	return now + min(wait, longestWait)
}

func (a *routine) every(g *Generator) int64 {
	every := a.habit.interval(a.host)
	const century = float64(100 * 365 * day)
	return max(int64(min(float64(every)/g.pace, century)), millisecond)
}

// settle gives every host its habits. The first host of each habit acts within
// the first third of the log, so that short logs show every kind of traffic.
func (g *Generator) settle() {
	rnd := newStream(g.cfg.Seed, 3)
	for i := range habits {
		h := &habits[i]
		opened := false
		g.site.each(h, func(host *host) {
			a := &routine{habit: h, host: host}
			at := g.start
			switch {
			case !opened:
				opened = true
				a.due = true
				at += rnd.between(0, min(g.span/3, 6*hour))
			case h.regular:
				a.due = true
				at += rnd.between(0, a.every(g))
			}
			g.actors.push(at, a)
		})
	}
}

// each calls f for every host that has the habit.
func (s *site) each(h *habit, f func(*host)) {
	for _, r := range h.roles {
		for _, host := range s.byRole[r] {
			if !h.admins || host.admin {
				f(host)
			}
		}
	}
}
