package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bucket is that of the stack that init writes.
const bucket = "td-demo-111122223333"

// tool is the program threatdetect, as a user of it types it.
type tool struct {
	program, dir, aws string
	servers           []*exec.Cmd
}

func (t *tool) build() error {
	if t.program != "" {
		full, err := filepath.Abs(t.program)
		t.program = full
		return err
	}
	t.program = filepath.Join(t.dir, "threatdetect")
	return show(exec.Command("go", "build", "-o", t.program, "./cmd/threatdetect"))
}

func show(c *exec.Cmd) error {
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

func (t *tool) command(args ...string) *exec.Cmd {
	c := exec.Command(t.program, args...)
	c.Dir = t.dir
	c.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=rehearsal", "AWS_SECRET_ACCESS_KEY=rehearsal", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=none",
		"AWS_SHARED_CREDENTIALS_FILE=none", "AWS_ENDPOINT_URL="+t.aws)
	return c
}

// run runs a command and shows it.
func (t *tool) run(args ...string) error {
	fmt.Println("$ threatdetect", strings.Join(args, " "))
	if err := show(t.command(args...)); err != nil {
		return fmt.Errorf("threatdetect %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// start starts a server and returns the address that it prints.
func (t *tool) start(args ...string) (string, error) {
	fmt.Println("$ threatdetect", strings.Join(args, " "), "&")
	c := t.command(args...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := c.Start(); err != nil {
		return "", err
	}
	t.servers = append(t.servers, c)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("threatdetect %s: no address: %w", args[0], err)
	}
	return strings.TrimSpace(address), nil
}

func (t *tool) stop() {
	for _, c := range t.servers {
		c.Process.Signal(syscall.SIGTERM)
		c.Wait()
	}
}

// day uploads the logs of a day and then their marker, waits for the version that the pipeline registers, and approves it.
func (t *tool) day(name string, logs []byte, version int) error {
	if err := t.put("raw/"+name+"/conn.log", logs); err != nil {
		return err
	}
	if err := t.put("raw/"+name+"/_SUCCESS", nil); err != nil {
		return err
	}
	if err := t.waitFor(version); err != nil {
		t.run("pipeline", "status")
		return err
	}
	return t.run("registry", "approve", strconv.Itoa(version), "--yes", "--reason", "rehearsal")
}

// put uploads as any program that knows S3 does.
func (t *tool) put(key string, data []byte) error {
	fmt.Printf("$ aws s3 cp … s3://%s/%s\n", bucket, key)
	r, err := http.NewRequest(http.MethodPut, t.aws+"/"+bucket+"/"+key, bytes.NewReader(data))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("upload %s: %s", key, answer.Status)
	}
	return nil
}

// waitFor waits until the registry has a version. The rehearsal's clock is pushed along.
func (t *tool) waitFor(version int) error {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		answer, err := http.Post(t.aws+"/_awsfake/advance?by=5m", "", nil)
		if err != nil {
			return err
		}
		answer.Body.Close()
		c := t.command("registry", "list", "--json")
		c.Stderr = os.Stderr
		out, err := c.Output()
		if err != nil {
			return err
		}
		var list []struct{ Version int }
		if err := json.Unmarshal(out, &list); err != nil {
			return err
		}
		if len(list) > 0 && list[0].Version >= version {
			return nil
		}
	}
	return fmt.Errorf("version %d was not registered within two minutes", version)
}
