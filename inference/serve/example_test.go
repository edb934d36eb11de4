package serve_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"threatdetect/inference/rows"
	"threatdetect/inference/serve"
)

// The handler that SageMaker's platform would ask, with a model as the container leaves it behind.
func ExampleOpenContainer() {
	image, err := rows.LookupImage("1.7-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	none := func(string) (string, bool) { return "", false }
	c, err := serve.OpenContainer("../../testdata/container/1.7-1-logistic.tar.gz", serve.SettingsFromEnv(image, none))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest(http.MethodPost, "/invocations", strings.NewReader("0.5,-1.25,3.75,0.125,-7.5,1\n-1.1,2.5,,0.3,12.25,-0.75"))
	r.Header.Set("Content-Type", "text/csv")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Header().Get("Content-Type"), "\n", w.Body)
	// Output:
	// 200 text/csv; charset=utf-8
	// 0.30100587010383606
	// 0.7517868280410767
}

// The handler of an agent's own endpoint, with a bundle.
func ExampleAPI() {
	m, err := serve.OpenModel("../../testdata/demo/model.tar.gz", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	live := &serve.Live{}
	live.Swap(m)
	r := httptest.NewRequest(http.MethodPost, "/v1/score?threats=1&input=log", strings.NewReader(
		`{"ts":1709535618.5,"uid":"C1","id.orig_h":"203.0.113.40","id.orig_p":57016,"id.resp_h":"10.43.128.95","id.resp_p":139,"proto":"tcp","conn_state":"S0","history":"S","orig_pkts":1,"orig_ip_bytes":44,"resp_pkts":0,"resp_ip_bytes":0}`))
	w := httptest.NewRecorder()
	(&serve.API{Live: live}).ServeHTTP(w, r)
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `"threats":1`))
	// Output: 200 true
}
