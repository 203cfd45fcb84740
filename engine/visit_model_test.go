package engine

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"
)

// gateModel is what docs/rules.md says of plate visits, written down a second time
// from the words alone. It keeps every read and looks at all of them every time.
type gateModel struct {
	listed map[string]bool
	visits []*modelVisit
	opened []string
}

type modelVisit struct {
	reads []modelRead
	first string
	own   string // the first read that was on the list
	open  bool
}

type modelRead struct {
	at    time.Duration
	plate string
}

// modelEdits is the textbook's table, whole.
func modelEdits(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0:
				d[i][j] = j
			case j == 0:
				d[i][j] = i
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
		}
	}
	return d[len(a)][len(b)]
}

// near gives how many edits two reads of one car may differ, or 99.
func near(a, b string) int {
	may := 2
	if len(a) < 6 || len(b) < 6 {
		may = 1
	}
	if n := modelEdits(a, b); n <= may {
		return n
	}
	return 99
}

// mostRead is the most frequent read, of equals the one that came first.
func (v *modelVisit) mostRead() string {
	n := make(map[string]int)
	best := ""
	for _, r := range v.reads {
		n[r.plate]++
	}
	for _, r := range v.reads {
		if best == "" || n[r.plate] > n[best] {
			best = r.plate
		}
	}
	if best == "" {
		return v.first
	}
	return best
}

func (v *modelVisit) last() time.Duration {
	at := -time.Hour
	for _, r := range v.reads {
		at = max(at, r.at)
	}
	return at
}

func (m *gateModel) read(at time.Duration, raw string) {
	plate := strings.NewReplacer(" ", "", "-", "", ".", "").Replace(strings.ToUpper(raw))
	var running []*modelVisit
	for _, v := range m.visits {
		if at-v.last() <= 30*time.Second {
			running = append(running, v)
		}
	}
	m.visits = running
	var mine *modelVisit
	least := 99
	for _, v := range running {
		if d := min(near(plate, v.first), near(plate, v.mostRead())); d < 99 && d <= least {
			mine, least = v, d
		}
	}
	if mine != nil && m.listed[plate] && mine.own != "" && mine.own != plate {
		times, quiet := 1, true
		for _, r := range mine.reads {
			if r.plate == plate {
				times++
			}
			if r.plate == mine.own && at-r.at < 5*time.Second {
				quiet = false
			}
		}
		if times >= 2 && quiet {
			other := &modelVisit{first: plate}
			var left []modelRead
			for _, r := range mine.reads {
				if r.plate == plate {
					other.reads = append(other.reads, r)
				} else {
					left = append(left, r)
				}
			}
			mine.reads = left
			mine = other
			m.visits = append(m.visits, other)
		}
	}
	if mine == nil {
		mine = &modelVisit{first: plate}
		m.visits = append(m.visits, mine)
	}
	mine.reads = append(mine.reads, modelRead{at, plate})
	if !m.listed[plate] {
		return
	}
	if mine.own == "" {
		mine.own = plate
	}
	if !mine.open {
		mine.open = true
		m.opened = append(m.opened, fmt.Sprintf("%v %s", at, raw))
	}
}

// traffic makes up what a gate's camera reads.
type traffic struct {
	*rand.Rand
	listed []string
	at     time.Duration
	reads  []modelRead
	alone  []arrival // those that say by themselves how often the gate opens
}

// arrival is a time in which nothing else came.
type arrival struct {
	what     string
	from, to time.Duration
	opens    int
}

const plateLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// misread changes a plate by so many characters: look-alikes, wrong, missing and extra ones.
func (g *traffic) misread(plate string, edits int) string {
	b := []byte(plate)
	for range edits {
		i := g.IntN(len(b))
		switch g.IntN(6) {
		case 0:
			b = append(b[:i], b[i+1:]...)
		case 1:
			b = append(b[:i], append([]byte{plateLetters[g.IntN(len(plateLetters))]}, b[i:]...)...)
		case 2:
			b[i] = plateLetters[g.IntN(len(plateLetters))]
		default:
			const twins = "O0QO0DO" + "I1LI" + "B8B" + "S5S" + "Z2Z" + "G6G"
			if k := strings.IndexByte(twins, b[i]); k >= 0 {
				b[i] = twins[k+1]
			}
		}
	}
	return string(b)
}

func (g *traffic) isListed(plate string) bool {
	for _, p := range g.listed {
		if p == plate {
			return true
		}
	}
	return false
}

// spelled writes a plate as cameras do.
func (g *traffic) spelled(plate string) string {
	switch g.IntN(5) {
	case 0:
		return strings.ToLower(plate)
	case 1:
		return plate[:2] + "-" + plate[2:]
	case 2:
		return plate[:2] + " " + plate[2:]
	}
	return plate
}

func (g *traffic) read(at time.Duration, plate string) {
	g.reads = append(g.reads, modelRead{at, g.spelled(plate)})
}

func (g *traffic) stranger() string {
	b := make([]byte, 7)
	for i := range b {
		b[i] = plateLetters[g.IntN(len(plateLetters))]
	}
	return string(b)
}

func (g *traffic) pause(from, to time.Duration) time.Duration {
	return from + time.Duration(g.Int64N(int64(to-from)))
}

// noisy is a car whose plate is read so often, each read by up to so many edits
// wrong; never as another listed one when mild.
func (g *traffic) noisy(plate string, n, edits int, mild bool) (exact int) {
	for range n {
		p := plate
		if g.IntN(3) == 0 {
			p = g.misread(plate, 1+g.IntN(edits))
		}
		if mild && p != plate && (g.isListed(p) || len(plate) < 6) {
			p = plate
		}
		if p == plate {
			exact++
		}
		g.read(g.at, p)
		g.at += g.pause(100*time.Millisecond, 8*time.Second)
	}
	return exact
}

// one makes one arrival, or several that mix.
func (g *traffic) one() {
	from := g.at
	alone := func(what string, opens int) { g.alone = append(g.alone, arrival{what, from, g.at, opens}) }
	plate := g.listed[g.IntN(len(g.listed))]
	switch g.IntN(8) {
	case 0, 1: // a resident, misread now and then
		exact := g.noisy(plate, 1+g.IntN(10), 1, true)
		alone(plate+" misread now and then", min(exact, 1))
	case 2: // a stranger
		plate = g.stranger()
		if exact := g.noisy(plate, 1+g.IntN(10), 1, true); exact > 0 && !g.isListed(plate) {
			alone("a stranger", 0)
		}
	case 3: // ten reads over a minute
		for range 10 {
			g.read(g.at, plate)
			g.at += 6 * time.Second
		}
		alone("ten reads of "+plate+" over a minute", 1)
	case 4: // a read that matches nothing, then one that does
		wrong := g.misread(plate, 1)
		if g.isListed(wrong) {
			wrong = plate
		}
		g.read(g.at, wrong)
		g.at += g.pause(time.Second, 20*time.Second)
		g.read(g.at, plate)
		alone(wrong+" then "+plate, 1)
	case 5: // two listed neighbours, 3 s apart
		for range 2 + g.IntN(2) {
			g.read(g.at, "ABC1234")
			g.at += time.Second
		}
		g.at += 2 * time.Second
		for range 6 {
			g.read(g.at, "ABC1235")
			g.at += 1500 * time.Millisecond
		}
		alone("two neighbours 3 s apart", 2)
	case 6: // badly misread, also as others
		g.noisy(plate, 1+g.IntN(12), 2, false)
	default: // two cars at once
		k := len(g.reads)
		g.noisy(plate, 1+g.IntN(6), 2, false)
		end := g.at
		g.at = from + g.pause(0, 5*time.Second)
		other := g.listed[g.IntN(len(g.listed))]
		if g.IntN(2) == 0 {
			other = g.misread(plate, 2)
			if len(other) < 3 {
				other = plate
			}
		}
		g.noisy(other, 1+g.IntN(6), 2, false)
		g.at = max(g.at, end)
		// Two reads of one moment would leave their order open.
		sort.SliceStable(g.reads[k:], func(i, j int) bool { return g.reads[k+i].at < g.reads[k+j].at })
	}
}

// TestVisitsAgainstAModel plays 10 000 arrivals and compares every opening with
// what the model says, and those that nothing else mixes with, with plain sense.
func TestVisitsAgainstAModel(t *testing.T) {
	const arrivals = 10_000
	plates := []string{"ABC1234", "ABC1235", "ABC1284", "XY12", "XY13", "KLM4567", "O0QD8B5", "00QD8B5", "W1"}
	entries := make([]Entry, len(plates))
	m := &gateModel{listed: make(map[string]bool)}
	for i, p := range plates {
		entries[i] = Entry{Plate: p, Schedule: -1}
		m.listed[p] = true
	}
	rs := site(gateRule(), &Rule{Name: "gate too", On: []Kind{KindPlate}, When: listed, Do: []Step{pulse("gate")}})
	rs.Lists = []*List{NewList("residents", entries)}
	b := startBench(t, DefaultOptions(), rs)

	g := &traffic{Rand: rand.New(rand.NewPCG(1, 2)), listed: plates[:len(plates)-1], at: begin}
	for range arrivals {
		g.one()
		if g.IntN(10) == 0 && len(g.alone) > 0 && g.alone[len(g.alone)-1].to == g.at {
			g.alone = g.alone[:len(g.alone)-1] // the next comes too soon to tell them apart
			g.at += g.pause(0, 31*time.Second)
			g.noisy(plates[g.IntN(len(plates)-1)], 3, 2, false)
		}
		g.at += 30*time.Second + g.pause(time.Millisecond, time.Minute)
	}

	var opened []string
	var at []time.Duration
	pulses, dropped := 0, 0
	for _, r := range g.reads {
		m.read(r.at, r.plate)
		b.wait(r.at - b.now)
		b.plate(r.plate)
		for i := range b.all {
			switch d := &b.all[i]; {
			case d.Type == DecisionAction:
				pulses++
				opened = append(opened, fmt.Sprintf("%v %s", d.At.Mono, d.Firing.Event.Plate.Number))
				at = append(at, d.At.Mono)
			case d.Type == DecisionSuppressed && d.Reason == "visit":
				dropped++
			}
		}
		b.all = b.all[:0]
	}
	for i := range max(len(opened), len(m.opened)) {
		got, want := "nothing more", "nothing more"
		if i < len(opened) {
			got = opened[i]
		}
		if i < len(m.opened) {
			want = m.opened[i]
		}
		if got != want {
			t.Fatalf("opening %d: the engine has %s, the model %s", i, got, want)
		}
	}
	if dropped < pulses {
		t.Errorf("%d pulses, and only %d of the second rule were dropped", pulses, dropped)
	}
	for _, a := range g.alone {
		i := sort.Search(len(at), func(i int) bool { return at[i] >= a.from })
		j := sort.Search(len(at), func(i int) bool { return at[i] > a.to })
		if j-i != a.opens {
			t.Errorf("%v: %s opened %d times, want %d: %v", a.from, a.what, j-i, a.opens, opened[i:j])
		}
	}
	if len(g.alone) < arrivals/2 || pulses < arrivals/2 {
		t.Errorf("only %d arrivals stood alone, and the gate opened %d times: the traffic is too thin", len(g.alone), pulses)
	}
	t.Logf("%d reads, %d openings, %d arrivals alone", len(g.reads), pulses, len(g.alone))
}
