package render

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"zfleet/planner"
)

// How much is shown of values in a plan as Markdown: enough to know them by.
const (
	mdValueBytes = 160 // of a cell
	mdProseBytes = 600 // of a reason or a message
	mdListBytes  = 600 // of a list of machines or disks
	mdBriefBytes = 240 // of all that is asked for, in brief
)

// titled writes the first letter of words large.
func titled(words string) string { return strings.ToUpper(words[:1]) + words[1:] }

// detailSection holds all that is known of changes, folded.
func detailSection(title, noun string, t tier, open bool, folds []*folded) section {
	s := foldedSection(title+": "+plural(machinesOfFolds(folds), "machine"), noun, open)
	s.tier = t
	if len(folds) > 0 {
		s.open = mdCommon(setApart(folds, folds[0].action))
	}
	brief := s
	brief.open += "| machine | VM | what |\n|---|---|---|\n"
	for _, f := range folds {
		full := block{text: mdFold(f), count: len(f.keys), keys: f.keys}
		if f.action == planner.Replace {
			full.keys = nil // the table of what is destroyed has them
		}
		s.blocks = append(s.blocks, full)
		full.text = fmt.Sprintf("| %s | %s | %s |\n", mdMachines(f), mdValue(f.name()), mdBrief(f))
		brief.blocks = append(brief.blocks, full)
	}
	s.brief = &brief
	return s
}

// mdCommon writes what all changes of a section have in common.
func mdCommon(c *common) string {
	if c == nil {
		return ""
	}
	m := &markdown{}
	if c.reason != "" {
		m.linef("%s", mdProse(c.reason))
	}
	m.linef("\nAll of them have:")
	m.rows(c.rows)
	m.linef("")
	return m.text.String()
}

func machinesOfFolds(folds []*folded) int {
	n := 0
	for _, f := range folds {
		n += len(f.keys)
	}
	return n
}

// mdMachines lists the machines of a fold, and counts them if they are several.
func mdMachines(f *folded) string {
	if n := len(f.keys); n > 1 {
		return mdKeys(f.keys) + ", " + plural(n, "machine")
	}
	return mdKeys(f.keys)
}

// mdReasons says why a VM goes: for a replacement the differences that force it,
// else the reason; and what else there is to know.
func mdReasons(f *folded) []string {
	var why []string
	for _, d := range f.differences {
		if d.forces {
			why = append(why, mdDifference(d, valueWidth))
		}
	}
	if len(why) == 0 {
		why = append(why, mdProse(f.reason))
	}
	for _, note := range f.notes {
		why = append(why, mdProse(note))
	}
	return why
}

// mdDifference writes a difference for a cell.
func mdDifference(d difference, columns int) string {
	before, after := cutPair(valueText(ranges(d.before)), valueText(ranges(d.after)), columns)
	return fmt.Sprintf("%s: %s → %s", mdValue(d.field), mdValue(before), mdValue(after))
}

// mdBrief says in one cell what is done.
func mdBrief(f *folded) string {
	var parts []string
	if f.action == planner.Update {
		for _, d := range f.differences {
			parts = append(parts, mdDifference(d, valueWidth/2))
		}
	}
	if len(parts) > 0 {
		return strings.Join(parts, "<br>")
	}
	return mdCell(cutBytes(visible(f.asked()), mdBriefBytes))
}

// mdDisks names the data disks that go with a fold, and their sizes.
func mdDisks(f *folded) string {
	if len(f.disks) == 0 {
		return ""
	}
	spans := f.diskSpans()
	for i := range spans {
		spans[i].text = cutBytes(visible(spans[i].text), mdValueBytes)
	}
	return fmt.Sprintf("**%s**: %s", diskTotal(f.disks), mdCell(cutSpans(spans, mdListBytes)))
}

// mdFold writes machines that are treated the same.
func mdFold(f *folded) string {
	m := &markdown{}
	same := ""
	if n := len(f.keys); n > 1 {
		same = ", " + plural(n, "machine") + ", the same"
	}
	name := ""
	if f.action == planner.Update {
		if name = f.name(); name != "" {
			name = " (" + mdValue(name) + ")"
		}
	}
	m.linef("\n**%s** %s%s%s", f.action, mdKeys(f.keys), name, same)
	if f.reason != "" && len(f.differences) == 0 {
		m.linef("\n%s", mdProse(f.reason))
	}
	m.differences(f.differences)
	if len(f.disks) > 0 && f.action != planner.Replace {
		m.linef("\nDeletes %s", mdDisks(f))
	}
	for i, note := range f.notes {
		if i == 0 {
			m.linef("")
		}
		m.linef("- note: %s", mdProse(note))
	}
	if f.action == planner.Update {
		m.rows(f.rows)
	} else {
		m.rows(slices.Concat(f.identity, f.rows))
	}
	return m.text.String()
}

func (m *markdown) differences(ds []difference) {
	if len(ds) == 0 {
		return
	}
	m.linef("\n| field | before | after | |")
	m.linef("|---|---|---|---|")
	for _, d := range ds {
		before, after := cutPair(valueText(ranges(d.before)), valueText(ranges(d.after)), 2*valueWidth)
		m.linef("| %s | %s | %s | %s |", mdValue(d.field), mdValue(before), mdValue(after), strings.Trim(d.mark(), "()"))
	}
}

func (m *markdown) rows(rows []row) {
	if len(rows) == 0 {
		return
	}
	m.linef("\n| | |\n|---|---|")
	for _, r := range rows {
		m.linef("| %s | %s |", mdProse(r.label), mdValue(r.text()))
	}
}

// mdKeys lists machines in one code span that can stand in a cell.
func mdKeys(keys []string) string { return mdCell(cutSpans(spansOf(keys), mdListBytes)) }

// mdValue is a shortened value in a code span that can stand in a cell.
func mdValue(text string) string { return mdCell(cutBytes(visible(text), mdValueBytes)) }

// proseSpecial are characters that no sentence of ours has and that pages which
// show Markdown may take for markup, a mention or a link.
const proseSpecial = "\\`*_{}[]<>#+!|~&$@^"

// proseLinks are words that those pages make links, milestones or pictures of.
var proseLinks = regexp.MustCompile(`(?i)://|www\.|\bgh-[0-9]|%[^ )]|:[a-z0-9_-]+:`)

// mdProse writes a sentence: as it is if none of it could be anything else than
// text, or else in a code span. It can stand in a cell. The code in brackets
// that a message may end with stays outside the code span.
func mdProse(text string) string {
	text = cutBytes(visible(text), mdProseBytes)
	if body, code, ok := bracketedCode(text); ok {
		return mdProse(body) + " \\[" + code + "\\]"
	}
	if strings.TrimSpace(text) == "" {
		return "—" // an empty item of a list would make a heading of the line before
	}
	first, _ := utf8.DecodeRuneInString(text)
	if !unicode.IsLetter(first) && !unicode.IsDigit(first) && first != '"' ||
		strings.ContainsAny(text, proseSpecial) || proseLinks.MatchString(text) {
		return mdCell(text)
	}
	return text
}

// bracketedCode splits "message [code]"; a code is lower-case words and hyphens.
func bracketedCode(text string) (body, code string, ok bool) {
	open := strings.LastIndex(text, " [")
	if open < 0 || !strings.HasSuffix(text, "]") {
		return "", "", false
	}
	code = text[open+2 : len(text)-1]
	return text[:open], code, code != "" && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
