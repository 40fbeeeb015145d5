package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The server's bounds for texts, in characters.
const (
	maxName        = 255
	maxDescription = 2048
	maxHostname    = 253
)

// checkTexts checks the texts that the server would refuse, some of them late.
func (c *checker) checkTexts() {
	m := c.m
	switch {
	case strings.TrimSpace(m.Name) == "" && !c.unsure():
		c.errorf("name", "empty-text", "write a name, or remove it for the default one", "the machine's name is empty")
	case len([]rune(m.Name)) > maxName:
		c.errorf("name", "too-long", "shorten it", "the machine's name has more than %d characters", maxName)
	}
	if m.Description != nil && len([]rune(*m.Description)) > maxDescription {
		c.errorf("description", "too-long", "shorten it", "the description has more than %d characters", maxDescription)
	}
	if len([]rune(m.GuestOSType)) > maxName {
		c.errorf("guestOsType", "too-long", "shorten it", "guestOsType has more than %d characters", maxName)
	}
	if m.Hostname != nil {
		if problem, hint := hostnameProblem(*m.Hostname); problem != "" {
			c.errorf("hostname", "bad-hostname", hint, "%s %s", quote(*m.Hostname), problem)
		}
	}
	if m.ConsolePassword != nil {
		c.checkPassword(m.ConsolePassword.Value)
	}
}

// checkPassword knows the server's rules without ever showing the password.
func (c *checker) checkPassword(password string) {
	switch {
	case password == "":
		c.errorf("consolePassword", "bad-console-password", "write consolePassword: null for none", "the console password is empty")
	case strings.HasPrefix(password, "password"):
		c.errorf("consolePassword", "bad-console-password", "choose another one", `the console password begins with "password", which the server refuses`)
	case strings.Contains(password, "::"):
		c.errorf("consolePassword", "bad-console-password", "choose another one", `the console password holds "::", which the server takes for a separator`)
	}
}

var (
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	topPattern   = regexp.MustCompile(`^([A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{1,59})$`)
)

// privateDomains are endings that networks use at home although they are no
// top-level domains, which the server insists on.
var privateDomains = []string{
	"cluster", "corp", "example", "home", "host-only", "internal", "intra", "intranet", "invalid",
	"lan", "loc", "local", "localnet", "private", "test",
}

// hostnameProblem says what is wrong with a hostname, and the way out.
func hostnameProblem(name string) (problem, hint string) {
	const rules = "use letters, digits and hyphens, not at the ends, in labels of at most 63 characters"
	labels := strings.Split(name, ".")
	switch {
	case name == "":
		return "is no hostname", "write hostname: null for none"
	case len(name) > maxHostname:
		return fmt.Sprintf("is longer than %d characters", maxHostname), "shorten it"
	case strings.Contains(name, "_"):
		return "holds an underscore, which hostnames cannot", "write " + strings.ReplaceAll(name, "_", "-")
	}
	for _, label := range labels {
		if !labelPattern.MatchString(label) {
			return "is no hostname", rules
		}
	}
	top := labels[len(labels)-1]
	if len(labels) > 1 && (!topPattern.MatchString(top) || slices.Contains(privateDomains, strings.ToLower(top))) {
		return fmt.Sprintf("ends in %q, which is no top-level domain, so the server refuses it", "."+top),
			fmt.Sprintf("write the bare name %q, or end it in a public domain or .localdomain", labels[0])
	}
	return "", ""
}

// checkUserData checks the text of user data, which the server runs through a
// YAML parser. The findings never show the text.
func (d *decoder) checkUserData(text string, said *node) {
	problem, known := d.files.checked[text]
	if !known {
		problem = yamlProblem(text)
		d.files.checked[text] = problem
	}
	claims := strings.HasPrefix(text, "#cloud-config")
	switch {
	case text == "":
		d.add(Diagnostic{Pos: said.pos, Code: "empty-text", Message: "the user data is empty", Hint: "write userData: null for none"}, "")
	case problem != "" && claims:
		d.add(Diagnostic{Pos: said.pos, Code: "bad-user-data", Message: "the user data begins with #cloud-config but " + problem,
			Hint: "cloud-init would ignore it and the server may refuse it: correct the YAML"}, "")
	case problem != "" && !strings.Contains(problem, "no map"):
		d.add(Diagnostic{Severity: Warning, Pos: said.pos, Code: "user-data-not-yaml", Message: "the user data is not YAML: " + problem,
			Hint: "the server reads user data as YAML and may refuse the machine; a #cloud-config with runcmd: can carry a script"}, "")
	}
	if isString(said) && said.text == text && strings.Contains(text, "${var.") {
		d.add(Diagnostic{Severity: Warning, Pos: said.pos, Code: "not-interpolated", Message: "variables are not replaced in user data that stands in the fleet file",
			Hint: "move the text to a file and write userData: {template: FILE}"}, "")
	}
}

// yamlProblem says what is wrong with a text that should be a YAML map. Only
// line numbers are said: the text may be secret.
func yamlProblem(text string) string {
	root, found := readYAML(Input{Name: "user data", Data: []byte(text)})
	for _, d := range found {
		if d.Severity == Error {
			return fmt.Sprintf("line %d is not valid", d.Pos.Line)
		}
	}
	if root != nil && root.kind != mapNode {
		return "it holds no map"
	}
	return ""
}
