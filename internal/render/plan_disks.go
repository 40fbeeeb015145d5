package render

import (
	"fmt"
	"strings"

	"zfleet/planner"
)

// diskShape is what disks of machines that are treated the same have in common.
func diskShape(disks []planner.DiskFate) string {
	var b strings.Builder
	for _, d := range disks {
		b.WriteString(bytesText(d.Size) + ",")
	}
	return b.String()
}

// diskTotal counts disks and adds up their sizes.
func diskTotal(disks []planner.DiskFate) string {
	var sum diskSum
	for _, d := range disks {
		sum.add(d)
	}
	return plural(len(disks), "data disk") + sum.text()
}

// sizeText writes the size of a disk; 0 means that it is not known.
func sizeText(size int64) string {
	if size == 0 {
		return ""
	}
	return bytesText(size)
}

// diskSum is the size of several disks, as far as it is known: without a cloud
// nobody knows how large the disks of an offering are.
type diskSum struct {
	disks, unknown int
	bytes          int64
}

func (s *diskSum) add(d planner.DiskFate) {
	s.disks++
	s.bytes += d.Size
	if d.Size == 0 {
		s.unknown++
	}
}

// text writes the sum as the end of a list.
func (s *diskSum) text() string {
	switch s.unknown {
	case 0:
		return ", " + bytesText(s.bytes)
	case s.disks:
		return ""
	}
	return fmt.Sprintf(", %s and %d of unknown size", bytesText(s.bytes), s.unknown)
}

// disksOneByOne is up to how many disks of several machines are listed one by one.
const disksOneByOne = 12

// diskSpans names the disks of a fold with their sizes. Those of several machines
// that are many stand as ranges, the first disk of each, then the second: the
// order of a machine's disks is that of their sizes.
func (f *folded) diskSpans() []span {
	each := len(f.disks) / len(f.keys) // disks of machines that are folded are as many, and as large
	if len(f.keys) == 1 || len(f.disks) <= disksOneByOne {
		each = len(f.disks)
	}
	var spans []span
	for column := range each {
		var names []string
		for at := column; at < len(f.disks); at += each {
			names = append(names, f.disks[at].Name)
		}
		size := sizeText(f.disks[column].Size)
		for _, s := range spansOf(names) {
			switch {
			case size == "":
			case s.count == 1:
				s.text += " (" + size + ")"
			default:
				s.text += " (" + size + " each)"
			}
			spans = append(spans, s)
		}
	}
	return spans
}

// diskFates names every data disk that goes for ever, with its size.
func (p *printer) diskFates(f *folded) {
	if len(f.disks) == 0 {
		return
	}
	indent := strings.Repeat(" ", rowIndent)
	p.put(plain, indent)
	p.linef(bad, "deletes %s:", diskTotal(f.disks))
	if len(f.keys) > 1 && len(f.disks) > disksOneByOne {
		for _, s := range f.diskSpans() {
			p.put(bad, indent+"  - delete  ")
			p.linef(plain, "%s", s.text)
		}
		return
	}
	columns, sizes := 0, 0
	for _, d := range f.disks {
		columns = max(columns, widest(d.Name))
		sizes = max(sizes, widest(sizeText(d.Size)))
	}
	for _, d := range f.disks {
		p.put(bad, indent+"  - delete  ")
		if d.UUID == "" {
			p.put(plain, strings.TrimRight(pad(visible(d.Name), columns)+"  "+sizeText(d.Size), " "))
		} else {
			p.put(plain, pad(visible(d.Name), columns)+"  "+pad(sizeText(d.Size), sizes)+"  ")
			p.put(faint, d.UUID)
		}
		p.newline()
	}
}
