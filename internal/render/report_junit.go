package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"zfleet/executor"
)

// ReportJUnit writes a report as JUnit XML, one case per machine, in the
// dialect that GitLab, Jenkins and GitHub's annotators agree on. A case's
// classname is "<fleet>.<group>" and its name "<action> <key>": unique, and the
// same from run to run, so that a history can be kept. Failed and blocked are
// failures, indeterminate is an error, skipped and not started are skipped, and
// so is what is protected: a job is not to fail of it, as zfleet does not.
func ReportJUnit(w io.Writer, report *executor.Report) error {
	var document struct {
		XMLName xml.Name `xml:"testsuites"`
		junitCounts
		Name   string        `xml:"name,attr"`
		Time   string        `xml:"time,attr"`
		Suites []*junitSuite `xml:"testsuite"`
	}
	document.Name = xmlText("zfleet " + report.Scope.Name)
	if report.Ended != nil {
		document.Time = junitSeconds(report.Ended.Sub(report.Started).Seconds())
	} else {
		document.Time = junitSeconds(0)
	}
	suites := make(map[string]*junitSuite)
	for _, m := range machinesOf(report) {
		class := report.Scope.Name + "." + groupOf(m.Key)
		suite := suites[class]
		if suite == nil {
			suite = &junitSuite{Name: xmlText(class), Timestamp: report.Started.UTC().Format("2006-01-02T15:04:05")}
			suites[class] = suite
			document.Suites = append(document.Suites, suite)
		}
		suite.add(m, class, report.Resume)
	}
	var whole []string
	if others := outcomeOf(report).others(); others != "" {
		whole = append(whole, others)
	}
	if report.Resume != "" {
		whole = append(whole, "to carry on: "+report.Resume)
	}
	if len(whole) > 0 && len(document.Suites) > 0 {
		document.Suites[0].Output = &junitOutput{xmlText(strings.Join(whole, "\n"))}
	}
	for _, s := range document.Suites {
		s.Time = junitSeconds(s.seconds)
		document.Tests += s.Tests
		document.Failures += s.Failures
		document.Errors += s.Errors
		document.Skipped += s.Skipped
	}
	data, err := xml.MarshalIndent(document, "", "  ")
	if err != nil {
		return fmt.Errorf("report as JUnit: %w", err)
	}
	_, err = w.Write([]byte(xml.Header + string(data) + "\n"))
	return err
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Time      string       `xml:"time,attr"`
	Timestamp string       `xml:"timestamp,attr"`
	Cases     []junitCase  `xml:"testcase"`
	Output    *junitOutput `xml:"system-out"` // of the run as a whole, in the first suite

	seconds float64
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Skipped *junitProblem `xml:"skipped"`
	Output  *junitOutput  `xml:"system-out"`
}

type junitProblem struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

type junitOutput struct {
	Text string `xml:",cdata"`
}

// add adds the case of a machine; resume is the command that carries on.
func (s *junitSuite) add(m machine, class, resume string) {
	c := junitCase{
		Class:  xmlText(class),
		Name:   xmlText(string(m.Action) + " " + m.Key),
		Time:   junitSeconds(m.DurationSeconds),
		Output: &junitOutput{xmlText(m.account())},
	}
	s.Tests++
	s.seconds += m.DurationSeconds
	switch m.Status {
	case executor.Succeeded:
	case executor.Failed, executor.Blocked:
		if m.protected() {
			s.Skipped++
			c.Skipped = &junitProblem{Message: xmlText(failureOf(m, "").title())}
			break
		}
		s.Failures++
		c.Failure = junitFailure(m, resume)
	case executor.Indeterminate:
		s.Errors++
		c.Error = junitFailure(m, resume)
	case executor.Skipped:
		s.Skipped++
		c.Skipped = &junitProblem{Message: m.undone("something that it needs did not succeed")}
	case executor.NotStarted:
		s.Skipped++
		c.Skipped = &junitProblem{Message: m.undone("the run ended before its turn")}
	}
	s.Cases = append(s.Cases, c)
}

// undone says how far a machine came before the reason that stopped it.
func (m machine) undone(reason string) string {
	if m.begun() {
		return reason + "; " + xmlText(m.howFar())
	}
	return reason
}

// junitFailure tells why a machine did not end well.
func junitFailure(m machine, resume string) *junitProblem {
	f := failureOf(m, resume)
	problem := &junitProblem{Type: xmlText(f.Code), Message: xmlText(f.title())}
	if problem.Type == "" {
		problem.Type = string(m.Status)
	}
	lines := []string{f.title()}
	for _, fact := range f.facts() {
		lines = append(lines, fact.label+": "+fact.text)
	}
	problem.Text = xmlText(strings.Join(lines, "\n"))
	return problem
}

// account is all that is known of a machine's VM and of the requests for it.
func (m machine) account() string {
	var lines []string
	if m.Name != "" {
		lines = append(lines, "name: "+m.Name)
	}
	if vm := m.vm(); vm != "" {
		lines = append(lines, "vm: "+vm)
	}
	for _, s := range m.steps {
		line := fmt.Sprintf("step %s: %s", s.Verb, s.Status)
		if s.Tries > 1 {
			line += fmt.Sprintf(" after %d tries", s.Tries)
		}
		if s.Note != "" {
			line += ", " + s.Note
		}
		lines = append(lines, line)
		for _, a := range s.Attempts {
			lines = append(lines, "  "+a.Operation+", job "+a.JobUUID)
		}
	}
	return strings.Join(lines, "\n")
}

func junitSeconds(seconds float64) string { return fmt.Sprintf("%.3f", seconds) }

// xmlText takes out what XML 1.0 cannot hold and escape sequences of terminals,
// which viewers show as dirt.
func xmlText(text string) string {
	text = ansiPattern.ReplaceAllString(text, "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case r < ' ' || 0x7f <= r && r <= 0x9f || r == 0xfffe || r == 0xffff || r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
}
