package engine

import (
	"github.com/sallyport/sallyport/engine/scene"
)

// set packs what a rule set is, as far as something may be remembered of it.
func (p *packer) set(rs *Ruleset) {
	scene.List(p.Pack, &rs.Cameras, maxPackedThings, func(c *CameraDef) {
		p.Text(&c.Name)
		if p.Reading() {
			c.Layout = &scene.Layout{}
		}
		c.Layout.Pack(p.Pack)
	})
	scene.List(p.Pack, &rs.Lines, maxPackedThings, func(l *Place) { p.Text(&l.Name) })
	scene.List(p.Pack, &rs.Flags, maxPackedThings, func(f *FlagDef) {
		p.Text(&f.Name)
		scene.Small(p.Pack, &f.Initial.Type, ScalarText)
	})
	scene.List(p.Pack, &rs.Rules, maxPackedThings, func(r **Rule) {
		if p.Room(1, scene.SizeOf[Rule]()); p.Reading() {
			*r = &Rule{}
		}
		p.rule(*r)
	})
}

// rule packs what has to be known of a rule when its set is not there any more. Its
// conditions are not kept: nothing asks them then.
func (p *packer) rule(r *Rule) {
	p.Text(&r.Name)
	p.Text(&r.Identity)
	scene.Small(p.Pack, &r.Per, PerRule)
	scene.Small(p.Pack, &r.Mode, ModeOff)
	steps := p.pointed[r]
	p.Bits(&r.Level, &r.Repeat, &steps)
	p.Span(&r.Hold)
	p.Span(&r.Cooldown)
	p.Int(&r.Limit.Count, 0, maxSavedNumber)
	p.Span(&r.Limit.Per)
	scene.List(p.Pack, &r.Crons, maxPackedThings, func(*Cron) { p.Bits() })
	if steps {
		scene.List(p.Pack, &r.Do, maxPackedThings, p.step)
		scene.List(p.Pack, &r.Finally, maxPackedThings, p.step)
	}
}

// step packs a step. One with a condition is not asked for when it is read, and one
// whose values are made at the firing is skipped.
func (p *packer) step(s *Step) {
	p.Text(&s.Text)
	p.Span(&s.After)
	p.Span(&s.Timeout)
	p.Span(&s.Expires)
	p.Int(&s.Retry, 0, maxSavedNumber)
	asks, fills := s.If != nil, s.Fill != nil
	p.Bits(&s.Durable, &s.Wait, &s.Stop, &asks, &fills)
	p.args(&s.Args)
	if !p.Reading() {
		return
	}
	if asks {
		s.If = &Cond{Test: func(*Look) Truth { return Unknown }}
	}
	if fills {
		args := s.Args
		s.Fill = func(*Look) (Args, string) { return args, "unknown" }
	}
}

func (p *packer) args(a *Args) {
	verb, text := VerbNone, ""
	if !p.Reading() && *a != nil {
		b, err := EncodeArgs(*a)
		if err != nil {
			p.Check(false, err.Error())
			return
		}
		verb, text = (*a).Verb(), string(b)
	}
	if scene.Small(p.Pack, &verb, VerbLog); verb == VerbNone {
		return
	}
	p.Text(&text)
	if !p.Reading() || p.Err() != nil {
		return
	}
	made, err := DecodeArgs(verb, []byte(text))
	if err != nil {
		p.Check(false, err.Error())
		return
	}
	*a = made
}

// values packs the values of a planned step: those of the step, or what was made of it.
func (p *packer) values(x *planned) {
	if x.step.Fill != nil {
		p.args(&x.args)
		p.Check(x.args == nil || x.args.Verb() == x.step.Verb(), "a step has the values of another verb")
		return
	}
	x.args = x.step.Args
}
