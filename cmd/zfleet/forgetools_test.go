package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/itchyny/gojq"
)

// The tools that the scripts in examples/ci call beside zfleet, as far as they
// do, so that the tests need none of them installed.
func jqTool()   { os.Exit(toolResult("jq", jq(os.Args[1:]))) }
func ghTool()   { os.Exit(toolResult("gh", gh(os.Args[1:]))) }
func curlTool() { os.Exit(toolResult("curl", curl(os.Args[1:]))) }

func toolResult(name string, err error) int {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

// jq knows "jq [-r] [-c] [--arg NAME TEXT] [--argjson NAME JSON] FILTER [FILE]".
func jq(args []string) error {
	var words, names []string
	var values []any
	raw, compact := false, false
	for rest := args; len(rest) > 0; rest = rest[1:] {
		switch arg := rest[0]; arg {
		case "-r":
			raw = true
		case "-c":
			compact = true
		case "--arg", "--argjson":
			var value any = rest[2]
			if arg == "--argjson" {
				if err := json.Unmarshal([]byte(rest[2]), &value); err != nil {
					return err
				}
			}
			names, values, rest = append(names, "$"+rest[1]), append(values, value), rest[2:]
		default:
			if strings.HasPrefix(arg, "-") {
				return fmt.Errorf("unknown argument %q", arg)
			}
			words = append(words, arg)
		}
	}
	in := io.Reader(os.Stdin)
	if len(words) == 2 {
		file, err := os.Open(words[1])
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	for decoder := json.NewDecoder(in); ; {
		var input any
		if err := decoder.Decode(&input); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		err := filtered(words[0], input, names, values, func(v any) error {
			text, ok := v.(string)
			switch {
			case ok && raw:
				fmt.Println(text)
				return nil
			case compact:
				return printJSON(v, "")
			}
			return printJSON(v, "  ")
		})
		if err != nil {
			return err
		}
	}
}

func printJSON(v any, indent string) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	return encoder.Encode(v)
}

// gh knows "gh api [--paginate] [--silent] [-X METHOD] PATH [-F body=@FILE] [--jq FILTER]"
// and "gh run download".
func gh(args []string) error {
	if len(args) > 1 && args[0] == "run" && args[1] == "download" {
		return ghDownload(args[2:])
	}
	if len(args) == 0 || args[0] != "api" {
		return fmt.Errorf("unknown command %q", args)
	}
	var path, filter string
	method, form := http.MethodGet, url.Values{}
	for rest := args[1:]; len(rest) > 0; rest = rest[1:] {
		switch arg := rest[0]; arg {
		case "--paginate", "--silent":
		case "-X", "-F", "--jq":
			rest = rest[1:]
			switch arg {
			case "-X":
				method = rest[0]
			case "--jq":
				filter = rest[0]
			default:
				name, file, _ := strings.Cut(rest[0], "=@")
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				form.Set(name, string(text))
			}
		default:
			if path != "" || strings.HasPrefix(arg, "-") {
				return fmt.Errorf("unknown argument %q", arg)
			}
			path = arg
		}
	}
	body, err := forgeCall(method, os.Getenv("FORGE_URL")+"/"+path, http.Header{"Authorization": {"Bearer " + os.Getenv("GH_TOKEN")}}, form)
	if err != nil || filter == "" {
		return err
	}
	var input any
	if err := json.Unmarshal(body, &input); err != nil {
		return err
	}
	return filtered(filter, input, nil, nil, func(v any) error {
		if text, ok := v.(string); ok {
			fmt.Println(text)
			return nil
		}
		return printJSON(v, "")
	})
}

func ghDownload(args []string) error {
	var dir string
	for i, arg := range args {
		if arg == "--dir" {
			dir = args[i+1]
		}
	}
	if args[0] != "41" || dir == "" {
		return errors.New("no such artifact")
	}
	return os.CopyFS(dir, os.DirFS(os.Getenv("FORGE_KEPT")))
}

// filtered runs a filter and hands over each result.
func filtered(filter string, input any, names []string, values []any, result func(any) error) error {
	query, err := gojq.Parse(filter)
	if err != nil {
		return err
	}
	code, err := gojq.Compile(query, gojq.WithEnvironLoader(os.Environ), gojq.WithVariables(names))
	if err != nil {
		return err
	}
	for results := code.Run(input, values...); ; {
		v, ok := results.Next()
		if !ok {
			return nil
		}
		if err, ok := v.(error); ok {
			return err
		}
		if err := result(v); err != nil {
			return err
		}
	}
}

// curl knows "--fail --silent --show-error --header H --request M --data-urlencode
// NAME@FILE --output FILE URL".
func curl(args []string) error {
	method, header, form := http.MethodGet, http.Header{}, url.Values{}
	var address, output string
	for rest := args; len(rest) > 0; rest = rest[1:] {
		switch arg := rest[0]; arg {
		case "--fail", "--silent", "--show-error":
		case "--header", "--request", "--data-urlencode", "--output":
			rest = rest[1:]
			switch name, value, _ := strings.Cut(rest[0], ": "); arg {
			case "--header":
				header.Set(name, value)
			case "--request":
				method = rest[0]
			case "--output":
				output = rest[0]
			default:
				name, file, _ := strings.Cut(rest[0], "@")
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				form.Set(name, string(text))
			}
		default:
			if address != "" || strings.HasPrefix(arg, "-") {
				return fmt.Errorf("unknown argument %q", arg)
			}
			address = arg
		}
	}
	body, err := forgeCall(method, address, header, form)
	if err != nil {
		return err
	}
	if output != "" {
		return os.WriteFile(output, body, 0o644)
	}
	_, err = os.Stdout.Write(body)
	return err
}

func forgeCall(method, address string, header http.Header, form url.Values) ([]byte, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}
