package render

import (
	"fmt"
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
)

// actionSection holds the folds of one action.
func actionSection(folds []*folded, action planner.Action, words string, visible bool) section {
	machines := 0
	folds = slices.DeleteFunc(slices.Clone(folds), func(f *folded) bool { return f.action != action })
	for _, f := range folds {
		machines += len(f.keys)
	}
	noun := "machines " + words
	title := strings.ToUpper(words[:1]) + words[1:] + ": " + plural(machines, "machine")
	s := section{noun: noun, weighty: true, open: "\n### " + title + "\n"}
	if !visible {
		s = foldedSection(title, noun)
	}
	if action == planner.Delete {
		s.open += "\n| machine | VM | why | data disks that go with it |\n|---|---|---|---|\n"
	}
	for _, f := range folds {
		text := mdFold(f)
		if action == planner.Delete {
			text = mdDelete(f)
		}
		s.blocks = append(s.blocks, block{text, len(f.keys)})
	}
	return s
}

// mdDelete is one row for machines that go for the same reason.
func mdDelete(f *folded) string {
	machines := mdKeys(f.keys)
	if n := len(f.keys); n > 1 {
		machines += ", " + plural(n, "machine")
	}
	why := []string{mdProse(f.reason)}
	for _, note := range f.notes {
		why = append(why, mdProse(note))
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", machines, mdName(f), strings.Join(why, "<br>"), mdDisks(f.disks))
}

// mdName is the name of the VMs.
func mdName(f *folded) string {
	for _, r := range f.identity {
		if r.label == nameLabel {
			return mdValue(r.text())
		}
	}
	return ""
}

// mdDisks names data disks with their sizes.
func mdDisks(disks []planner.DiskFate) string {
	if len(disks) == 0 {
		return ""
	}
	var sum int64
	texts := make([]span, len(disks))
	for i, d := range disks {
		sum += d.Size
		texts[i] = span{cutBytes(visible(d.Name), mdValueBytes), 1}
		if d.Size != 0 {
			texts[i].text += " (" + bytesText(d.Size) + ")"
		}
	}
	return fmt.Sprintf("**%s%s**: %s", plural(len(disks), "disk"), sumText(sum), mdCell(cutSpans(texts, mdListBytes)))
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
		if name = mdName(f); name != "" {
			name = " (" + name + ")"
		}
	}
	m.linef("\n**%s** %s%s%s", f.action, mdKeys(f.keys), name, same)
	if f.reason != "" {
		m.linef("\n%s", mdProse(f.reason))
	}
	m.differences(f.differences)
	if len(f.disks) > 0 {
		m.linef("\nDeletes %s", mdDisks(f.disks))
	}
	for i, note := range f.notes {
		if i == 0 {
			m.linef("")
		}
		m.linef("- note: %s", mdProse(note))
	}
	switch rows := slices.Concat(f.identity, f.rows); f.action {
	case planner.Update:
		m.rows(f.rows)
	case planner.Replace:
		m.linef("\n<details>\n<summary>What the new VM is made of</summary>")
		m.rows(rows)
		m.linef("\n</details>")
	default:
		m.rows(rows)
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
		m.linef("| %s | %s | %s | %s |", mdValue(d.field), mdValue(before), mdValue(after), strings.Trim(d.mark, "()"))
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
		strings.ContainsAny(text, proseSpecial) || strings.Contains(text, "://") || strings.Contains(strings.ToLower(text), "www.") {
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
