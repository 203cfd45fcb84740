package rulefile

// Word is a field or function of conditions, for editors.
type Word struct {
	// Name is target.class, or dwell of dwell("zone").
	Name string
	// Signature is how it is written.
	Signature string
	// Help says in one line what it gives.
	Help string
	// Values are all that a text can be; nil when they cannot be listed.
	Values []string
}

// Kinds are the words that a rule can be on, besides cron.
func Kinds() []string { return kindsForRules() }

// Words are all fields and functions of conditions, things first. What a condition may use of them depends on what its
// rule is on.
func Words() []Word {
	field := func(name, help string, values ...string) Word { return Word{name, name, help, values} }
	call := func(name, signature, help string) Word { return Word{Name: name, Signature: signature, Help: help} }
	return []Word{
		field("now", "the wall clock in the site's zone"),
		field("now.weekday", "the day of the week", weekdays()...),
		field("clock_ok", "whether the clock is set"),

		field("event.kind", "what kind of event it is", kindsForRules()...),
		field("event.raw", "the device's own word for the event"),
		field("event.id", "the event's number"),
		field("event.name", "the contact, relay or flag that changed"),
		field("event.status", "start, stop or procedure; unknown when the device does not say", "start", "stop", "procedure"),
		field("event.time", "the device's time"),
		field("event.received", "the time of receipt"),
		call("event.values", "event.values.NAME", "a number that the event carries, by the device's own name"),

		field("camera.name", "the camera, by its name in the site file"),
		field("camera.online", "whether it is heard of"),
		field("camera.device", "the device's own name"),
		field("camera.address", "the device's address, as it says"),

		field("target.id", "the camera's number for it"),
		field("target.class", "what it is", classWords()...),
		field("target.box", "[x1, y1, x2, y2], 0 to 10000"),
		field("target.age", "the time since it was first seen"),
		field("target.speed", "units per second"),
		field("target.heading", "degrees clockwise from up: 90 is to the right; unknown while it is still"),
		field("target.gone", "this is the last look at it"),

		field("plate.number", "as the camera read it"),
		field("plate.list", "the camera's own list; unknown when the device names none", "allow", "block", "temporary", "stranger"),
		field("plate.confidence", "0 to 100"),
		field("plate.heading", "which way it drives", "approach", "away"),
		field("plate.color", "the colour of the plate"),
		field("plate.owner", "of the list entry that matched, else as sent"),
		field("plate.reads", "how many reads of this visit there were, this one included"),
		field("plate.vehicle.type", "the kind of vehicle, in the camera's words"),
		field("plate.vehicle.color", "the vehicle's colour, in the camera's words"),
		field("plate.vehicle.brand", "the vehicle's brand, in the camera's words"),
		field("plate.vehicle.model", "the vehicle's model, in the camera's words"),
		call("plate.on", `plate.on("list")`, "it is exactly on the list, and valid now"),
		call("plate.looks", `plate.looks("list")`, "on the list with look-alikes: O 0 Q D, I 1 L, B 8, S 5, Z 2, G 6"),
		call("plate.near", `plate.near("list")`, "look-alikes and one more wrong, missing or extra character; never allowed to decide over a pulse"),

		field("face.age", "in the device's own words"),
		field("face.sex", "in the device's own words"),
		field("face.glasses", "in the device's own words"),
		field("face.mask", "in the device's own words"),
		field("face.match", "the name of who was recognized"),

		field("alarm.name", "the device's word, without the word alarm and in lower case"),
		field("alarm.on", "whether it is on"),
		field("alarm.channel", "its number on the device"),

		field("message.topic", "what the message is about"),
		field("message.body", "what was sent; each value in it is given its type with string(), float() or int()"),

		call("inside", `inside("zone")`, "it is in the zone"),
		call("entered", `entered("zone")`, "true on the one look that decided it"),
		call("left", `left("zone")`, "true on the one look that decided it"),
		call("dwell", `dwell("zone")`, "the length of this visit so far"),
		call("dwell_total", `dwell_total("zone", "10m")`, "the time in the zone within the last 10 minutes"),
		call("overlap", `overlap("zone")`, "the share of its box in the zone, 0 to 100"),
		call("path", `path("street", "driveway", "10s")`, "it entered these zones in this order, the last one now, all within the time"),
		call("crossed", `crossed("line"), crossed("line", "in")`, "true on the update that completes the crossing"),
		call("moving", `moving("left"), moving(90, 30)`, "its heading is within 45° of up, right, down or left; or within the second number of the first, in degrees"),
		call("still", "still()", "it travelled under 200 units in the last second"),
		call("toward", `toward("zone")`, "if it goes straight on it is in the zone within 3 s; true when it is in the zone already"),
		call("came_from", `came_from("zone")`, "the zone is the last one it left"),
		call("occupancy", `occupancy("zone"), occupancy("zone", "car")`, "how many targets are in the zone now"),
		call("crossings", `crossings("line", "1h"), crossings("line", "in", "1h")`, "how often the line was crossed in the time that ends now, both ways or one; at most 24h"),
		call("balance", `balance("line")`, "how many more went in than out, since a count step set it"),
		call("seen", `seen("zone", "car", "3s")`, "whether such a target was in the zone within the time"),
		call("during", `during("schedule")`, "whether the schedule holds; unknown while the clock is not set"),
		call("night", "night()", "whether the sun is down at the site's place"),
		call("day", "day()", "whether the sun is up at the site's place"),
		call("relay", `relay("name").on, relay("name").since`, "whether the relay is on, and for how long it has been as it is"),
		call("contact", `contact("name").on, .open, .since`, "the contact's active level; open is not on"),
		call("flag", `flag("name"), flag("name").since`, "the flag's value, and how long it has had it"),
		call("since", `since("rule name")`, "the time since that rule last fired for this key; unknown when it never did"),

		call("any", "any(list, condition on #)", "the condition holds for at least one entry"),
		call("all", "all(list, condition on #)", "the condition holds for every entry"),
		call("none", "none(list, condition on #)", "the condition holds for no entry"),
		call("one", "one(list, condition on #)", "the condition holds for exactly one entry"),
		call("len", "len(text or list)", "how many characters or entries it has"),
		call("lower", "lower(text)", "the text in small letters"),
		call("upper", "upper(text)", "the text in capital letters"),
		call("trim", "trim(text)", "the text without blanks around it"),
		call("int", "int(value)", "the whole number that it is, cut off"),
		call("float", "float(value)", "the number that it is"),
		call("string", "string(value)", "the text that it is"),
		call("abs", "abs(number)", "the number without its sign"),
		call("min", "min(a, b, …)", "the least of numbers or durations"),
		call("max", "max(a, b, …)", "the greatest of numbers or durations"),
		call("round", "round(number)", "the nearest whole number"),
		call("known", "known(value)", "whether the value is known"),
	}
}
