{{- /*
A compute service, whose replicas a headless service names, so that the gateway finds each of them and balances by itself:
(dict "root" . "component" "user-tower" "values" .Values.userTower "image" "user_tower_service" "prefix"
"MOODFEED_USER_TOWER" "port" 50051 "metricsPort" 9101 "tlsSecret" "..." "settings" (dict ...))
*/ -}}
{{- define "moodfeed.compute" -}}
{{- $root := .root }}
{{- $values := .values }}
{{- $own := list $root .component }}
{{- $name := printf "%s-%s" (include "moodfeed.fullname" $root) .component }}
{{- $tls := $root.Values.tls.enabled }}
{{- $fetch := $root.Values.bundles.fetch }}
{{- $hasMetrics := and $root.Values.metrics.enabled (or (not $tls) $root.Values.metrics.plaintextBesideTls) }}
{{- $env := dict
  "MOODFEED_BUNDLES" "/bundles"
  "MOODFEED_ALLOW_PLAINTEXT" (ternary (ternary "true" "false" $hasMetrics) "true" $tls)
  (printf "%s_ADDRESS" .prefix) (printf "0.0.0.0:%v" .port)
  (printf "%s_METRICS_HOST" .prefix) (ternary "0.0.0.0" "127.0.0.1" $hasMetrics)
  (printf "%s_METRICS_PORT" .prefix) .metricsPort
}}
{{- if $tls }}
{{- $_ := set $env (printf "%s_TLS_CERTIFICATE" .prefix) "/secrets/tls/tls.crt" }}
{{- $_ := set $env (printf "%s_TLS_KEY" .prefix) "/secrets/tls/tls.key" }}
{{- $_ := set $env (printf "%s_TLS_CLIENT_AUTHORITY" .prefix) "/secrets/tls/ca.crt" }}
{{- end }}
{{- if $root.Values.tokens.adminSecret }}
{{- $_ := set $env "MOODFEED_ADMIN_TOKEN_FILE" "/secrets/admin/admin-tokens" }}
{{- end }}
{{- $env = mergeOverwrite $env (deepCopy .settings) }}
{{- include "moodfeed.refuseOverrides" (list $root (.component | camelcase | untitle) $values.env $env) }}
{{- include "moodfeed.addTraces" (list $root $env) }}
{{- $env = mergeOverwrite $env (deepCopy $values.env) }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "moodfeed.labels" $own | nindent 4 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ $values.replicas }}
  {{- end }}
  strategy: { type: RollingUpdate, rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  selector:
    matchLabels:
      {{- include "moodfeed.componentSelector" $own | nindent 6 }}
  template:
    metadata:
      {{- include "moodfeed.podMetadata" $own | nindent 6 }}
    spec:
      {{- include "moodfeed.podSettings" $root | nindent 6 }}
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
        {{- include "moodfeed.spread" $own | trim | nindent 8 }}
      {{- if $fetch.enabled }}
      initContainers:
        {{- include "moodfeed.fetchContainer" (list $root "fetch-bundle" $fetch.command false) | nindent 8 }}
        {{- if $fetch.follow }}
        {{- include "moodfeed.fetchContainer" (list $root "follow-bundles" $fetch.follow true) | nindent 8 }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "moodfeed.image" (list $root $values.image .image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          securityContext:
            {{- include "moodfeed.containerSecurity" $root | nindent 12 }}
          env:
            {{- include "moodfeed.env" $env | trim | nindent 12 }}
            {{- include "moodfeed.storeEnv" $root | trim | nindent 12 }}
          ports:
            - { name: grpc, containerPort: {{ .port }} }
            {{- if $hasMetrics }}
            - { name: metrics, containerPort: {{ .metricsPort }} }
            {{- end }}
          {{- $probe := include "moodfeed.computeProbe" (list $tls .port) }}
          startupProbe: # reading and verifying a bundle takes seconds, a large one minutes
            {{- $probe | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 120
          readinessProbe:
            {{- $probe | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 5
          livenessProbe:
            {{- $probe | nindent 12 }}
            periodSeconds: 20
            timeoutSeconds: 10
            failureThreshold: 6
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - { name: bundles, mountPath: /bundles, readOnly: true }
            - { name: tmp, mountPath: /tmp }
            {{- include "moodfeed.storeMount" $root | trim | nindent 12 }}
            {{- if $tls }}
            - { name: tls, mountPath: /secrets/tls, readOnly: true }
            {{- end }}
            {{- if $root.Values.tokens.adminSecret }}
            - { name: admin-tokens, mountPath: /secrets/admin, readOnly: true }
            {{- end }}
      volumes:
        - name: bundles
          {{- if $fetch.enabled }}
          emptyDir: { sizeLimit: {{ $fetch.sizeLimit }} }
          {{- else }}
          persistentVolumeClaim: { claimName: {{ $root.Values.bundles.existingClaim | quote }}, readOnly: true }
          {{- end }}
        - name: tmp
          emptyDir: { sizeLimit: 64Mi }
        {{- include "moodfeed.storeVolume" $root | trim | nindent 8 }}
        {{- if $tls }}
        {{- include "moodfeed.secretVolume" (list "tls" .tlsSecret) | nindent 8 }}
        {{- end }}
        {{- if $root.Values.tokens.adminSecret }}
        {{- include "moodfeed.secretVolume" (list "admin-tokens" $root.Values.tokens.adminSecret) | nindent 8 }}
        {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "moodfeed.labels" $own | nindent 4 }}
spec:
  type: ClusterIP
  clusterIP: None # its name resolves to the address of each replica
  selector:
    {{- include "moodfeed.componentSelector" $own | nindent 4 }}
  ports:
    - { name: grpc, port: {{ .port }}, targetPort: grpc{{ if not $tls }}, appProtocol: kubernetes.io/h2c{{ end }} }
    {{- if $hasMetrics }}
    - { name: metrics, port: {{ .metricsPort }}, targetPort: metrics }
    {{- end }}
{{- end }}

{{- /* kubelet's own gRPC probe speaks no TLS: (list tls port) */ -}}
{{- define "moodfeed.computeProbe" -}}
{{- if first . -}}
exec:
  command:
    - python
    - -I
    - -S
    - rpc/lean_probe.py
    - 127.0.0.1:{{ last . }}
    - --authority=/secrets/tls/ca.crt
    - --certificate=/secrets/tls/tls.crt
    - --key=/secrets/tls/tls.key
{{- else -}}
grpc: { port: {{ last . }} }
{{- end }}
{{- end }}

{{- /* A program of the operator's that writes below /bundles: (list . "name" command stays) */ -}}
{{- define "moodfeed.fetchContainer" -}}
{{- $root := index . 0 }}
{{- $fetch := $root.Values.bundles.fetch }}
- name: {{ index . 1 }}
  image: {{ required "bundles.fetch.image is needed" $fetch.image }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command:
    {{- toYaml (index . 2) | nindent 4 }}
  {{- if index . 3 }}
  restartPolicy: Always
  {{- end }}
  securityContext:
    {{- include "moodfeed.containerSecurity" $root | nindent 4 }}
  {{- with $fetch.envFromSecret }}
  envFrom: [{ secretRef: { name: {{ . | quote }} } }]
  {{- end }}
  resources:
    requests: { cpu: 100m, memory: 128Mi }
    limits: { cpu: "1", memory: 512Mi }
  volumeMounts:
    - { name: bundles, mountPath: /bundles }
    - { name: tmp, mountPath: /tmp }
{{- end }}
